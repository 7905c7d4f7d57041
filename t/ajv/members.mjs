// A request, an answer or an event of a stream for each member and variant of the providers' published schemas,
// told to the other dialects by the translation lab's API.  Each value must be in what comes out, or under a path
// that is reported as lost, and each such path must be in what went in.  Prints counts and findings as JSON.
//
//	BASE=http://127.0.0.1:PORT TOKEN=padm-... node members.mjs SPECS request|response

import fs from 'node:fs';

const { BASE, TOKEN } = process.env;
const [specs, kind] = process.argv.slice(2);

const roots = {
	request: {
		'openai-chat': ['openai.openapi.reduced', 'CreateChatCompletionRequest'],
		'openai-responses': ['openai.openapi.reduced', 'CreateResponse'],
		'anthropic': ['anthropic.sdk-types', 'root.BetaMessagesRequest'],
		'gemini': ['gemini.proto', 'GenerateContentRequest'],
	},
	response: {
		'openai-chat': ['openai.openapi.reduced', 'CreateChatCompletionResponse'],
		'openai-responses': ['openai.openapi.reduced', 'Response'],
		'anthropic': ['anthropic.sdk-types', 'root.BetaMessagesResponse'],
		'gemini': ['gemini.proto', 'GenerateContentResponse'],
	},
};

// What every text has besides the one member that it is about.
const bases = {
	request: {
		'openai-chat': { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
		'openai-responses': { model: 'm', input: [{ role: 'user', content: 'hi' }] },
		'anthropic': { model: 'm', max_tokens: 99, messages: [{ role: 'user', content: 'hi' }] },
		'gemini': { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
	},
	response: {
		'openai-chat': { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0,
		    finish_reason: 'stop', message: { role: 'assistant', content: 'hi' } }] },
		'openai-responses': { id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm',
		    output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed',
		    content: [{ type: 'output_text', text: 'hi', annotations: [] }] }] },
		'anthropic': { id: 'msg_1', type: 'message', role: 'assistant', model: 'm',
		    content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } },
		'gemini': { candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP', index: 0 }],
		    modelVersion: 'm' },
	},
};

// What a member says nothing without.
const tools = {
	'openai-chat': { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }] },
	'openai-responses': { tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: false }] },
	'anthropic': { tools: [{ name: 'f', input_schema: { type: 'object' } }] },
	'gemini': { tools: [{ functionDeclarations: [{ name: 'f' }] }] },
};
const needed = (dialect, name) => (name === 'function_call' ? { functions: [{ name: 'f', parameters: { type: 'object' } }] } :
    /^(tool_choice|toolConfig|parallel_tool_calls)$/.test(name) ? tools[dialect] : {});

// Values that are so anyway, where nothing is said.
const usual = new Set([false, 'auto', 'default', 'disabled', 'AUTO', 'MODE_UNSPECIFIED', 'TEXT', 'text']);

// What is not there as it was, and why that is right: "dialect>dialect path value".
const known = [
	[/^\S+>\S+ stream true/, 'by the path in Gemini'],
	[/^\S+>\S+ (stream_options.include_usage|n) /, 'asked for anyway'],
	[/^\S+>\S+ logprobs|^gemini>\S+ generationConfig.responseLogprobs/, 'by a number, or where tokens are asked for'],
	[/^anthropic>\S+ tool_choice.disable_parallel_tool_use true/, 'parallel_tool_calls, the other way round'],
	[/^openai-\S+>anthropic parallel_tool_calls true/, 'disable_parallel_tool_use, the other way round'],
	[/^openai-\S+>\S+ (reasoning_effort|reasoning.effort) "none"/, 'thinking is off'],
	[/^anthropic>\S+ thinking.display/, 'as a summary, or thoughts that are shown'],
	[/^gemini>\S+ generationConfig.thinkingConfig.includeThoughts/, 'as a summary, or a display'],
	[/^openai-\S+>\S+ \S*strict true/, 'constrained output is strict there'],
	[/^openai-responses>\S+ input\[\].(id|status) /, 'of a copy that the provider has'],
	[/^openai-\S+>anthropic \S*prompt_cache_breakpoint.mode/, 'cache_control'],
	[/^openai-responses>\S+ (input\[\].)?tools\[\].name/, 'a namespace: its tools keep their names where they are unique'],
	[/^openai-responses>\S+ input\[\].(namespace|execution)/, 'what the client knows of its own call'],
	[/^gemini>anthropic generationConfig.responseSchema.nullable true/, 'null among the types'],
	[/^anthropic>\S+ tools\[\].allowed_callers\[\] "direct"/, 'so anyway'],
	[/^\S+ (tool_choice|tool_choice.allowed_tools.mode|function_call|\S*functionCallingConfig.mode) "(none|required|NONE|ANY)"/,
	    'by another word'],
	[/^\S+ tool_choice.allowed_tools.tools\[\].ka/, 'no tool has that form'],
	[/^gemini>anthropic tools\[\].functionDeclarations\[\].name "f"/, 'none is allowed but one that is not there'],
	[/^\S+>gemini parallel_tool_calls true/, 'so anyway'],
	[/^anthropic>openai-\S+ tools\[\].strict true/, 'by the schema, where it can be; else that is told'],
	[/^anthropic>gemini \S*source.content\[\].cache_control.ttl "5m"/, 'so anyway'],
	[/^openai-responses>\S+ output\[\].(id|status|namespace) /, 'what a provider calls its own items; the client has its own names'],
	[/^openai-responses>\S+ incomplete_details.reason/, 'an answer that has not ended'],
	[/^openai-responses>gemini \S*bytes\[\]/, 'the bytes of a token, which stands there'],
	[/^openai-responses>openai-chat \S*annotations\[\].(start|end)_index/, 'past the end of this text'],
	[/^gemini>\S+ \S*functionCall.(id|args)/, 'a call without a name is none'],
	[/^anthropic>\S+ content\[\].input "/, 'input that is no object'],
	[/^gemini>anthropic generationConfig.responseSchema.propertyOrdering/, 'the order in which they are written; this names none'],
	[/^anthropic>\S+ service_tier "standard_only"/, 'the standard tier, as anyway'],
];

// --- values of a schema --------------------------------------------------------------------

let count = 0;

class Values {
	constructor(defs) { this.defs = defs; }

	// Without references and unions: each way that it can be.
	ways(s, seen) {
		if (s.$ref) {
			if (seen.includes(s.$ref))
				return [];
			return this.ways(this.defs[s.$ref.split('/').pop()], [...seen, s.$ref]);
		}
		const union = s.anyOf || s.oneOf;
		if (union)
			return union.flatMap((x) => this.ways(x, seen));
		if (s.allOf) {
			const all = { type: 'object', properties: {}, required: [] };
			for (const x of s.allOf) {
				const found = this.ways(x, seen);
				if (found.length === 0)
					return [];
				const [one] = found[0];
				if (one.type !== 'object' && !one.properties)
					return found;
				Object.assign(all.properties, one.properties);
				all.required.push(...(one.required || []));
			}
			return [[all, seen]];
		}
		// A number as text is what another number is.
		if (Array.isArray(s.type))
			return s.type.filter((t) => t !== 'null' && (t !== 'string' || !/number|integer/.test(s.type))).map((type) => [{ ...s, type }, seen]);
		return s.type === 'null' ? [] : [[s, seen]];
	}

	of(s, seen = [], depth = 0) {
		return depth > 9 ? [] : this.ways(s, seen).flatMap(([way, at]) => this.one(way, at, depth));
	}

	one(s, seen, depth) {
		if ('const' in s)
			return [s.const];
		if (s.enum) {
			const some = s.enum.filter((e) => e !== null);
			return depth < 4 ? some.slice(0, 40) : some.slice(0, 1);
		}
		if (s.type === 'array')
			return this.of(s.items || {}, seen, depth + 1).map((v) => [v]);
		if (s.type === 'object' || s.properties)
			return this.objects(s, seen, depth);
		if (s.type === 'boolean')
			return [true, false];
		count++;
		if (s.type === 'integer')
			return [!s.maximum || 2000 + count <= s.maximum ? 2000 + count : Math.max(1, s.minimum || 0)];
		if (s.type === 'number')
			return [Math.round(10 + count % 80) / 100];
		if (s.format === 'uri')
			return [`https://ex.org/u${count}`];
		if (s.format === 'byte')
			return [`QUJD${String(count).padStart(4, '0')}`];
		return [`zq${count}x`];
	}

	// One for each value of each member, with what must be there besides.
	objects(s, seen, depth) {
		const members = {}, required = s.required || [];
		for (const [name, x] of Object.entries(s.properties || {})) {
			const v = this.of(x, seen, depth + 1);
			if (v.length > 0)
				members[name] = v;
		}
		if (Object.keys(s.properties || {}).length === 0)
			return [{ [`ka${++count}`]: `zq${count}x` }];
		if (required.some((name) => !members[name]))
			return [];
		const base = Object.fromEntries(required.map((name) => [name, members[name][0]]));
		const found = new Map();
		for (const [name, values] of Object.entries(members))
			for (const v of values) {
				const o = { ...base, [name]: v };
				found.set(JSON.stringify(o), o);
			}
		return [...found.values()];
	}
}

const shape = (v) => JSON.stringify(v).replace(/zq\d+x|ka\d+|\d+(\.\d+)?/g, '#');

// An answer's lists are told whole: what is asked about goes into, or behind, what is there.
function within(base, v) {
	if (Array.isArray(base) && Array.isArray(v)) {
		if (base.length > 0 && v.length > 0 && typeof v[0] === 'object' && !('type' in v[0]))
			return [within(base[0], v[0])];
		return typeof base[0] === 'object' ? [...base, ...v] : v;
	}
	if (base === null || v === null || typeof base !== 'object' || typeof v !== 'object')
		return v;
	const o = { ...base };
	for (const [name, x] of Object.entries(v))
		o[name] = name in base && name !== 'content' && name !== 'parts' ? within(base[name], x) : x;
	return o;
}

function* texts(dialect) {
	const [file, root] = roots[kind][dialect];
	const defs = JSON.parse(fs.readFileSync(`${specs}/${file}.schema.json`)).$defs;
	const values = new Values(defs), seen = new Set(), base = bases[kind][dialect];
	const members = {};
	for (const [way] of values.ways(defs[root], []))
		Object.assign(members, way.properties);
	for (const [name, s] of Object.entries(members)) {
		if (name === 'model')
			continue;
		for (const v of values.of(s, [], kind === 'request' ? 1 : 0)) {
			const at = name + shape(v);
			if (seen.has(at))
				continue;
			seen.add(at);
			if (kind === 'response') {
				const o = within(base, { [name]: v });
				if (dialect === 'gemini' && o.candidates[0].content)
					o.candidates[0].content.role = 'model';
				for (const c of o.choices || o.candidates || [])
					c.index = 0;
				yield o;
			} else
				yield { ...base, ...needed(dialect, name), [name]: Array.isArray(base[name]) && Array.isArray(v) ? [...base[name], ...v] : v };
		}
	}
}

// --- what became of it ------------------------------------------------------------------------

function* leaves(v, path = '') {
	if (Array.isArray(v))
		for (const [i, x] of v.entries())
			yield* leaves(x, `${path}[${i}]`);
	else if (v !== null && typeof v === 'object')
		for (const [name, x] of Object.entries(v))
			yield* leaves(x, path ? `${path}.${name}` : name);
	else
		yield [path, v];
}

// Names and values, those of JSON within strings, too.
function words(v, into = new Set()) {
	if (Array.isArray(v))
		v.forEach((x) => words(x, into));
	else if (v !== null && typeof v === 'object')
		for (const [name, x] of Object.entries(v)) {
			into.add(name);
			words(x, into);
		}
	else if (typeof v === 'string') {
		into.add(v);
		if (/^[[{]/.test(v))
			try { words(JSON.parse(v), into); } catch { /* it only looks so */ }
	} else
		into.add(JSON.stringify(v));
	return into;
}

const unused = new Set(known.map(([re]) => String(re)));
function isKnown(what) {
	const k = known.find(([re]) => re.test(what));
	if (k)
		unused.delete(String(k[0]));
	return k !== undefined;
}

const steps = (path) => path.match(/[^.[\]]+|\[\d+\]/g) || [];
function has(o, path) {
	for (const s of steps(path)) {
		const name = s[0] === '[' ? Number(s.slice(1, -1)) : s;
		if (o === null || typeof o !== 'object' || !(name in o))
			return false;
		o = o[name];
	}
	return true;
}
// An answer's own words: it has besides what was asked, counts and ids.
const content = /^(content\[|candidates\[0\]\.content\.|choices\[0\]\.message\.|output\[)/;
const under = (a, b) => a === b || a.startsWith(`${b}.`) || a.startsWith(`${b}[`);

function* findings(dialect, body, r) {
	if (r.error) {
		if (!r.error.message || r.error.status < 400 || r.error.status > (kind === 'request' ? 499 : 599))
			yield ['refused oddly', JSON.stringify(r.error)];
		return;
	}
	const lost = r.loss.map((l) => kind === 'response' && !has(body, l.path) ? l.path.replace(/^response\./, '') : l.path);
	for (const path of lost)
		if (!has(body, path) && !isKnown(`${dialect}>${r.to} ${path}`))
			yield ['no such path', path.replace(/\[\d+\]/g, '[]'), path];
	const out = words(JSON.parse(r.text)), text = [...out].join('\0');
	for (const [path, v] of leaves(body)) {
		if (v === null || v === '' || path === 'model' || lost.some((l) => under(path, l) || under(l, path)))
			continue;
		if (kind === 'response' && !content.test(path) || usual.has(v))
			continue;
		// What something is, is told by how it is said there.
		if (/(^|\.)(type|role|object)$/.test(path))
			continue;
		if (typeof v === 'string' && text.includes(Buffer.from(v).toString('base64')))
			continue;
		if (typeof v === 'string' ? text.includes(v) || text.includes(v.toLowerCase()) : out.has(JSON.stringify(v)))
			continue;
		const place = path.replace(/\[\d+\]/g, '[]');
		if (isKnown(`${dialect}>${r.to} ${place} ${JSON.stringify(v)}`))
			continue;
		yield ['vanished', place, v];
	}
}

async function convert(dialect, body) {
	const r = await fetch(`${BASE}/api/v1/convert`, { method: 'POST', headers: { 'Authorization': `Bearer ${TOKEN}`,
	    'Content-Type': 'application/json' }, body: JSON.stringify({ kind, from: dialect, model: 'some-model', text:
	    JSON.stringify(body) }) });
	if (r.status !== 200)
		throw new Error(`${r.status}: ${await r.text()}`);
	return r.json();
}

const result = {};
for (const dialect of Object.keys(roots[kind])) {
	const found = new Map();
	let n = 0, refused = 0;
	const walk = texts(dialect);
	const work = async () => {
		for (const body of walk) {
			n++;
			const { error, results } = await convert(dialect, body);
			if (error)
				throw new Error(JSON.stringify(error));
			for (const r of results) {
				refused += r.error ? 1 : 0;
				for (const [what, where, ...rest] of findings(dialect, body, r)) {
					const at = `${what}: ${where}`;
					const f = found.get(at) || { to: new Set(), values: new Set(), body };
					f.to.add(r.to);
					f.values.add(JSON.stringify(rest[0]));
					found.set(at, f);
				}
			}
		}
	};
	await Promise.all([work(), work(), work()]);
	result[dialect] = { n, refused, found: [...found].map(([at, f]) => ({ at, to: [...f.to].sort(), values: [...f.values].slice(0, 12),
	    body: JSON.stringify(f.body) })) };
}
console.log(JSON.stringify({ of: result, unused: [...unused] }));
