// Validates outputs of translations, a line of JSON each, against the
// providers' published schemas.  Prints counts and deviations as JSON.
//
//	node check.mjs SPECS OUTPUTS

import fs from 'node:fs';
import readline from 'node:readline';
import Ajv from 'ajv';

const [specs, outputs] = process.argv.slice(2);

// What providers send fails the strict schemas, which require what they leave
// out: recordings, and what is written in the dialect that it came in, are held
// to the relaxed ones (types, enumerations, discriminators).  An answer written
// anew holds to the strict ones, too; but for Anthropic's, whose SDK's types
// require members that the provider itself sends in one answer of twenty.
const roots = {
	'openai-chat': ['openai.openapi.relaxed', 'CreateChatCompletionRequest',
	    'CreateChatCompletionResponse', 'CreateChatCompletionStreamResponse'],
	'openai-responses': ['openai.openapi.relaxed', 'CreateResponse',
	    'Response', 'ResponseStreamEvent'],
	'anthropic': ['anthropic.sdk-types.relaxed', 'root.BetaMessagesRequest',
	    'root.BetaMessagesResponse', 'root.BetaMessagesStreamEvent'],
	'gemini': ['gemini.proto.relaxed', 'GenerateContentRequest',
	    'GenerateContentResponse', 'GenerateContentResponse'],
};
const strict = {
	'openai.openapi.relaxed': 'openai.openapi.reduced',
	'gemini.proto.relaxed': 'gemini.proto',
};

// What deviates, and why that is right: patterns of "from>to kind place".
const known = [
	[/^(\S+)>openai-responses (body|event) (\/response)?\/user: must be str/,
	    'null in each recorded answer, too'],
	[/^\S+>openai-responses \S+ \S*\/logprobs\/N\/bytes: must be array/,
	    'null, as in Chat Completions, where they are not known'],
	[/^openai-\S+>openai-chat event \/choices\/N\/delta\/tool_calls\/N\/type/,
	    'a custom call: the schema knows them in whole bodies only'],
	[/^openai-chat>openai-chat request \/messages\/N\/content\/N\/type/,
	    'what other servers of the dialect take, as it came'],
	[/^openai-chat>openai-chat request \/tools\/N\/type/,
	    'what other servers of the dialect take, as it came'],
	[/^openai-responses>openai-responses \S+ \S*\/action\/sources\/N\/type/,
	    'recorded, as it came; newer than the schema'],
	[/^openai-responses>openai-responses (body|event) \S*\/(item|N)\/type/,
	    'a recording of "some_future_type", as it came'],
	[/^gemini>gemini (body|event) \/candidates\/N\/finishReason/,
	    'recorded, as it came: unknown reasons and numbers'],
	[/^gemini>gemini request /,
	    'recorded, as it came: numbers for enumerations, an object of parts'],
];

function validators() {
	const files = {}, res = {};
	const load = (file) => files[file] ??= new Ajv({ strict: false,
	    validateFormats: false, logger: false }).addSchema(JSON.parse(
	    fs.readFileSync(`${specs}/${file}.schema.json`)), 's');

	for (const [dialect, [file, ...names]] of Object.entries(roots)) {
		['request', 'body', 'event'].forEach((kind, i) => {
			const ref = `s#/$defs/${names[i]}`;

			res[`${dialect} ${kind}`] = load(file).getSchema(ref);
			if (strict[file])
				res[`${dialect} ${kind} strict`] =
				    load(strict[file]).getSchema(ref);
		});
	}
	return res;
}

// The deepest error says most: those of anyOf's other arms are noise.
function worst(errors) {
	const deep = (e) => e.instancePath.split('/').length;

	return errors.reduce((a, b) => deep(b) > deep(a) ? b : a);
}

function events(text) {
	return text.split(/\r?\n\r?\n/).map((f) => f.split(/\r?\n/)
	    .filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim())
	    .join('\n')).filter((d) => d !== '' && d !== '[DONE]')
	    .map((d) => JSON.parse(d));
}

const valid = validators();
const groups = {};

function check(line, value) {
	const g = groups[`${line.from}>${line.to} ${line.kind}`] ??=
	    { n: 0, bad: 0, excused: 0, said: {} };
	const anew = line.from !== line.to && line.kind !== 'request';
	const type = `${line.to} ${line.kind}`;
	const v = anew && valid[`${type} strict`] || valid[type];

	g.n++;
	if (v(value))
		return;
	const e = worst(v.errors);
	const place = e.instancePath.replace(/\/\d+/g, '/N');
	const what = `${line.from}>${line.to} ${line.kind} ${place}: ${e.message}`;

	if (known.some(([re]) => re.test(what))) {
		g.excused++;
		return;
	}
	g.bad++;
	(g.said[what] ??= []).push(line.id);
}

for await (const text of readline.createInterface({
    input: fs.createReadStream(outputs) })) {
	const line = JSON.parse(text);

	if (line.kind === 'stream') {
		line.kind = 'event';
		events(line.text).forEach((e) => check(line, e));
	} else {
		check(line, line.value);
	}
}
console.log(JSON.stringify(groups));
