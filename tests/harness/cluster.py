"""Several nodes on backends that they share."""
from .backends import MariaDb, Minio, Mongo, Redis
from .client import Api, User
from .server import Server


class Cluster:
    """`addresses`: one loopback address a node, by which it alone reaches the backends (to be cut off by a rule)."""

    def __init__(self, nodes=3, settings=None, addresses=("127.0.0.1",), env=None, mongo=False):
        self.mariadb = MariaDb(addresses)
        self.redis = Redis(addresses)
        self.minio = Minio(addresses)
        self.mongo = Mongo(addresses) if mongo else None
        self.size = nodes
        self.addresses = addresses
        self.settings = settings or {}
        self.env = env
        self.nodes = []

    def start(self):
        self.mariadb.start()
        self.redis.start()
        self.minio.start()
        if self.mongo:
            self.mongo.start()
            self.mongo_database = self.mongo.new_database()
        self.database, self.bucket = self.mariadb.new_database(), self.minio.new_bucket()
        self.nodes = [self.make_node(i) for i in range(self.size)]
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_ready()
        return self

    def make_node(self, i):
        address = self.addresses[i % len(self.addresses)]
        return Server({
            "server.node_id": f"node{i + 1}",
            "store.mysql": self.mariadb.url(self.database, address),
            "cluster.redis": self.redis.url(address),
            "files.s3": self.minio.url(self.bucket, address),
            **({"store.mongo": self.mongo.url(self.mongo_database, address)} if self.mongo else {}),
            **self.settings,
        }, env=self.env)

    def users(self, count, node=0):
        return [User(self.nodes[node]) for _ in range(count)]

    def close(self):
        for node in self.nodes:
            node.close()
        self.redis.close()
        self.minio.close()
        if self.mongo:
            self.mongo.close()
        self.mariadb.close()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()


def at(user, node):
    """The same sign-in through another node."""
    other = object.__new__(User)
    other.__dict__.update(user.__dict__)
    other.server = node
    other.api = Api(node, user.token)
    return other
