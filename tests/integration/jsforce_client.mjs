// A client of Salesforce that no one here wrote, for jsforce_test.py: node jsforce_client.mjs ROOT ORG_URL PLAN
// PLAN: what the org takes to be logged in by (assertion, client id and secret). Prints one JSON document of what it saw.
import { createRequire } from 'node:module'
import assert from 'node:assert/strict'

const [root, url, plan] = process.argv.slice(2)
const { Connection, OAuth2 } = createRequire(root + '/')('jsforce')
const { assertion, clientId, clientSecret, version } = JSON.parse(plan)
const seen = {}

async function refused (promise) {
  try {
    await promise
  } catch (error) {
    return error.errorCode || error.name
  }
  assert.fail('it is not refused')
}

// Log-in: JWT bearer, client credentials; what is wrong is refused.
const conn = new Connection({ loginUrl: url, version })
await conn.authorize({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
assert.equal(conn.instanceUrl, url)
const secret = new Connection({ instanceUrl: url, version, oauth2: new OAuth2({ loginUrl: url, clientId, clientSecret }) })
await secret.authorize({ grant_type: 'client_credentials' })
seen.badAssertion = await refused(new Connection({ loginUrl: url, version }).authorize({
  grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion.slice(0, -8) + 'AAAAAAAA'
}))
seen.badSession = await refused(new Connection({ instanceUrl: url, accessToken: '00D!x', version })
  .query('SELECT Id FROM PosSale__c'))

// What the org has.
seen.versions = (await conn.request('/services/data/')).map((one) => one.version)
const objects = (await conn.describeGlobal()).sobjects.map((one) => one.name)
assert.ok(objects.includes('PosSale__c') && objects.includes('PosLine__c'))
const described = await conn.describe('PosLine__c')
const lookup = described.fields.find((one) => one.name === 'PosSale__c')
assert.equal(lookup.relationshipName, 'PosSale__r')
assert.deepEqual(lookup.referenceTo, ['PosSale__c'])
assert.ok(described.fields.find((one) => one.name === 'LineId__c').externalId)
seen.noObject = await refused(conn.describe('Nothing__c'))
seen.limits = (await conn.limits()).DailyApiRequests.Max

// One record: create, read, change, upsert, delete.
const sales = conn.sobject('PosSale__c')
const made = await sales.create({ SaleId__c: 'js-1', Store__c: "O'Hara", Total__c: 12.5 })
assert.ok(made.success && /^[0-9A-Za-z]{18}$/.test(made.id))
assert.equal((await sales.retrieve(made.id)).Total__c, 12.5)
assert.ok((await sales.update({ Id: made.id, Total__c: 13 })).success)
assert.ok((await sales.upsert({ SaleId__c: 'js-1', Currency__c: 'EUR' }, 'SaleId__c')).success)
const row = await sales.retrieve(made.id)
assert.deepEqual([row.Total__c, row.Currency__c, row.Store__c], [13, 'EUR', "O'Hara"])
const gone = await sales.create({ SaleId__c: 'js-2' })
assert.ok((await sales.destroy(gone.id)).success)
seen.deleted = await refused(sales.retrieve(gone.id))
seen.tooLong = await refused(sales.create({ SaleId__c: 'js-3', Currency__c: 'EURO' }))
seen.noField = await refused(sales.create({ SaleId__c: 'js-3', Missing__c: 1 }))
seen.duplicate = await refused(sales.create({ SaleId__c: 'js-1' }))

// Collections: 200 a call; one bad record leaves the others alone, or not.
const lines = Array.from({ length: 200 }, (_, number) => ({
  LineId__c: 'l-' + number, PosSale__r: { SaleId__c: 'js-1' }, Quantity__c: number, Sku__c: 'sku ' + number % 7
}))
lines[7] = { ...lines[7], Sku__c: 'x'.repeat(81) }
const results = await conn.sobject('PosLine__c').upsert(lines, 'LineId__c', { allOrNone: false })
assert.equal(results.filter((one) => one.success).length, 199)
seen.oneBad = results[7].errors[0].statusCode
const undone = await conn.sobject('PosLine__c').create([{ LineId__c: 'u-1' }, { LineId__c: 'u-2', Sku__c: 'x'.repeat(81) }],
  { allOrNone: true })
seen.rolledBack = undone[0].errors[0].statusCode ?? undone[0].errors[0].errorCode
const changed = await conn.sobject('PosLine__c').update(results.slice(0, 3).map((one) => ({ Id: one.id, Amount__c: 1.5 })))
assert.ok(changed.every((one) => one.success))
const removed = await conn.sobject('PosLine__c').destroy(results.slice(3, 5).map((one) => one.id))
assert.ok(removed.every((one) => one.success))

// Queries: conditions, parents, order, pages.
const found = await conn.query("SELECT LineId__c, PosSale__r.Store__c FROM PosLine__c WHERE Amount__c = 1.5 AND " +
  "PosSale__r.Store__c = 'O\\'Hara' ORDER BY Quantity__c DESC LIMIT 2")
assert.deepEqual(found.records.map((one) => one.LineId__c), ['l-2', 'l-1'])
assert.equal(found.records[0].PosSale__r.Store__c, "O'Hara")
assert.equal((await conn.query('SELECT COUNT() FROM PosLine__c')).totalSize, 197)
assert.equal((await conn.query('SELECT Id FROM PosLine__c', { scanAll: true })).totalSize, 199)
assert.equal(await conn.sobject('PosLine__c').count({ Sku__c: { $like: 'sku 1%' } }), 29)
assert.equal(await conn.sobject('PosLine__c').count({ LineId__c: { $in: ['l-0', 'l-1', 'none'] } }), 2)
const readings = Array.from({ length: 4200 }, (_, number) => ({ ReadingId__c: 'r-' + number, DeviceId__c: 'd', Seq__c: number }))
const all = await conn.sobject('DeviceReading__c').create(readings, { allOrNone: true, allowRecursive: true })
assert.equal(all.filter((one) => one.success).length, 4200)
let page = await conn.query('SELECT Seq__c FROM DeviceReading__c ORDER BY Seq__c')
const numbers = page.records.map((one) => one.Seq__c)
seen.pages = 1
while (!page.done) {
  page = await conn.queryMore(page.nextRecordsUrl)
  numbers.push(...page.records.map((one) => one.Seq__c))
  seen.pages++
}
assert.deepEqual(numbers, readings.map((one) => one.Seq__c))
seen.badQuery = await refused(conn.query('SELECT Id FORM PosLine__c'))
seen.badColumn = await refused(conn.query('SELECT Missing__c FROM PosLine__c'))
seen.badObject = await refused(conn.query('SELECT Id FROM Missing__c'))
seen.badLocator = await refused(conn.queryMore('/services/data/v' + version + '/query/01g000000000999AAA-2000'))

// Bulk API 2.0 ingest, where this org has it.
const jobs = await fetch(url + '/services/data/v' + version + '/jobs/ingest', { headers: { Authorization: 'Bearer ' + conn.accessToken } })
seen.bulk = jobs.status !== 404
if (seen.bulk) {
  // As jsforce has it by default: what is not said is left out, and rows of objects have an empty column Id.
  const job = conn.bulk2.createJob({ object: 'PosSale__c', operation: 'upsert', externalIdFieldName: 'SaleId__c' })
  await job.open()
  const rows = Array.from({ length: 500 }, (_, number) => ({ SaleId__c: 'b-' + number, Currency__c: 'EUR' }))
  await job.uploadData([...rows, { SaleId__c: 'b-bad', Currency__c: 'EURO' }])
  await job.close()
  await job.poll(100, 60000)
  const outcome = await job.getAllResults()
  assert.equal(outcome.successfulResults.length, 500)
  assert.equal(outcome.failedResults.length, 1)
  assert.equal(outcome.unprocessedRecords.length, 0)
  assert.match(outcome.failedResults[0].sf__Error, /STRING_TOO_LONG/)
  assert.equal((await conn.query("SELECT COUNT() FROM PosSale__c WHERE SaleId__c LIKE 'b-%'")).totalSize, 500)
  const changes = outcome.successfulResults.slice(0, 20).map((one) => ({ Id: one.sf__Id, Store__c: 'changed' }))
  const updated = await conn.bulk2.loadAndWaitForResults({ object: 'PosSale__c', operation: 'update',
    input: [...changes, { Id: 'a00000000000000AAA', Store__c: 'none' }], pollInterval: 100, pollTimeout: 60000 })
  assert.equal(updated.successfulResults.length, 20)
  assert.match(updated.failedResults[0].sf__Error, /INVALID_CROSS_REFERENCE_KEY/)
  assert.equal((await conn.query("SELECT COUNT() FROM PosSale__c WHERE Store__c = 'changed'")).totalSize, 20)
}
const token = conn.accessToken
await conn.oauth2.revokeToken(token)
seen.revoked = await refused(new Connection({ instanceUrl: url, accessToken: token, version })
  .query('SELECT Id FROM PosSale__c'))
console.log(JSON.stringify(seen))
