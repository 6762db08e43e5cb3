// A broker that is not mosquitto, for mqtt_links_test.py: node aedes_broker.mjs ROOT PORT CERT KEY
// Prints "ready". User "gateway" with password "geheim"; it may not subscribe to forbidden/#.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'

const [root, port, cert, key] = process.argv.slice(2)
const entry = createRequire(root + '/').resolve('aedes')
const { Aedes } = await import(pathToFileURL(entry))
const broker = await Aedes.createBroker({
  authenticate: (client, username, password, done) =>
    done(null, username === 'device' || (username === 'gateway' && String(password) === 'geheim')),
  authorizeSubscribe: (client, subscription, done) =>
    done(null, subscription.topic.startsWith('forbidden/') ? null : subscription)
})
tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, broker.handle)
  .listen(Number(port), '127.0.0.1', () => console.log('ready'))
