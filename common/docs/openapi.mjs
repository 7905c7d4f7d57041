// Run by make: an OpenAPI document from YAML, as it is written, to JSON, as it
// is served.
//
//	node openapi.mjs openapi.yaml >openapi.json

import fs from 'node:fs';
import { parseDocument } from 'yaml';

const file = process.argv[2];
const doc = parseDocument(fs.readFileSync(file, 'utf8'),
    { uniqueKeys: true, schema: 'core' });

for (const e of [...doc.errors, ...doc.warnings])
	console.error(`${file}: ${e.message}`);
if (doc.errors.length > 0)
	process.exit(1);

const api = doc.toJS({ maxAliasCount: -1 });

delete api['x-heads'];		// anchors
process.stdout.write(JSON.stringify(api) + '\n');
