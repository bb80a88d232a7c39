#!/usr/bin/env bash
# Puts OpenSearch, for the tests, into build/tools (a minute the first time). It comes as the parts that a repository of Java
# libraries has, and is laid out here as its own archive is.
set -euo pipefail
cd "$(dirname "$0")/.."
OPENSEARCH=2.19.6

# copy FOLDER GROUP:NAME:VERSION…: these and all that they need.
copy() {
  local folder=$1 pom id; shift
  pom=$(mktemp -d)
  {
    echo '<project><modelVersion>4.0.0</modelVersion><groupId>tools</groupId><artifactId>tools</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
    for id in "$@"; do
      IFS=: read -r group name version <<<"$id"
      echo "<dependency><groupId>$group</groupId><artifactId>$name</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$pom/pom.xml"
  mvn -q -B -f "$pom/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$folder"
  rm -rf "$pom"
}

# module HOME NAME CLASS JAR…: moves these jars of lib into a module of their own, with what describes it.
module() {
  local home=$1 name=$2 class=$3; shift 3
  mkdir -p "$home/modules/$name"
  mv "$@" "$home/modules/$name"
  cat >"$home/modules/$name/plugin-descriptor.properties" <<EOT
description=$name
version=$OPENSEARCH
name=$name
classname=$class
java.version=11
opensearch.version=$OPENSEARCH
has.native.controller=false
EOT
}

install_opensearch() {
  local home=$1
  copy "$home/lib" "org.opensearch:opensearch:$OPENSEARCH" "org.opensearch.plugin:transport-netty4-client:$OPENSEARCH" \
    "org.opensearch.plugin:analysis-common:$OPENSEARCH" "org.opensearch:opensearch-plugin-classloader:$OPENSEARCH" \
    org.apache.logging.log4j:log4j-core:2.25.4
  module "$home" transport-netty4 org.opensearch.transport.Netty4Plugin "$home"/lib/netty-*.jar "$home"/lib/transport-netty4-client-*.jar
  module "$home" analysis-common org.opensearch.analysis.common.CommonAnalysisPlugin "$home"/lib/analysis-common-*.jar
  cat >"$home/modules/transport-netty4/plugin-security.policy" <<'EOT'
grant {
  permission java.net.SocketPermission "*", "accept,connect,listen,resolve";
  permission java.lang.RuntimePermission "accessDeclaredMembers";
  permission java.lang.RuntimePermission "setContextClassLoader";
  permission java.lang.reflect.ReflectPermission "suppressAccessChecks";
  permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read";
};
EOT
}

case "${1:-}" in
  opensearch) ;;
  *) echo "usage: scripts/install-java-tool.sh opensearch" >&2; exit 1 ;;
esac
[ -d "build/tools/$1" ] && exit 0
echo "fetching $1 (a minute, once)"
mkdir -p build/tools
rm -rf "build/tools/$1.new"
"install_$1" "$PWD/build/tools/$1.new"
mv "build/tools/$1.new" "build/tools/$1"
