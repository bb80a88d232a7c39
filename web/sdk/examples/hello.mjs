import { SimpleIM } from '@simpleim/sdk'
import { WebSocket } from 'ws'

const [baseUrl, username, password, friend, text] = process.argv.slice(2)
const im = new SimpleIM({ baseUrl, openSocket: (url, protocols) => new WebSocket(url, protocols) })
await im.login({ username, password })
im.on('messages', ({ messages }) => messages.forEach(message => console.log(message.from, message.content.text)))
await im.start()
const { users } = await im.call(api => api.GET('/api/users', { params: { query: { q: friend } } }))
await im.send(im.withUser(users[0]), { text })
