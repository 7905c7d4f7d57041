// Runs one SDK through every case against every provider, all at once, and
// prints what it saw, a JSON line a case.  What is right, t/38-sdk.t knows.
//
//	node run.mjs openai-chat http://127.0.0.1:8000 openai-chat anthropic ...
//
// Each module beside this one holds an SDK: plain(rq) and stream(rq, onText)
// return { text, thinking, calls, input, output, stop, parsed, again }, where
// again is what the SDK wants back in the next turn; runner(rq), where the SDK
// has one, goes through a tool loop by itself, and chat(rq) asks twice.  Where
// the SDK has them, count(rq) and embed(rq) give tokens and vectors.

const [sdk, base, ...providers] = process.argv.slice(2);
const { default: open } = await import(`./${sdk}.mjs`);
const client = open(base);

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q' +
    'DwADhgGAWjR9awAAAABJRU5ErkJggg==';
const parameters = (name) => ({ type: 'object', properties: {
	[name]: { type: 'string' } }, required: [name],
	additionalProperties: false });
const tools = [
	{ name: 'get_weather', description: 'The weather of a city.',
	    parameters: parameters('city'), run: () => 'sunny-21' },
	{ name: 'get_time', description: 'The time in a zone.',
	    parameters: parameters('zone'), run: () => 'noon-12' },
];
const schema = { type: 'object', properties: { city: { type: 'string' },
	people: { type: 'integer' } }, required: ['city', 'people'],
	additionalProperties: false };

const loose = { ...schema, required: ['city'] };

// The provider finds the case by these words; so does the test.
const request = (provider, name, more) => ({ model: `at-${provider}`,
	prompt: `Do it. [[${name} ${sdk}]]`, ...more });

async function streamed(rq) {
	let seen = '', deltas = 0;
	const got = await client.stream(rq, (text) => {
		seen += text;
		deltas++;
	});
	return { ...got, seen, deltas };
}

async function loop(ask, rq) {
	const first = await ask({ ...rq, tools });
	const results = first.calls.map((call) => tools.find((tool) =>
	    tool.name === call.name).run(call.args));
	const last = await ask({ ...rq, tools,
	    history: { ...first, results } });
	return { ...last, calls: first.calls, before: first.text,
	    thinking: first.thinking, first_stop: first.stop };
}

async function abort(rq) {
	const ctl = new AbortController();
	let seen = '';
	try {
		await client.stream({ ...rq, signal: ctl.signal }, (text) => {
			seen += text;
			ctl.abort();
		});
	} catch (e) {
		return { seen, error: e.constructor.name };
	}
	return { seen };
}

async function failing(ask, rq) {
	let seen = '';
	try {
		return await ask(rq, (text) => {
			seen += text;
		});
	} catch (e) {
		return { seen, error: e.constructor.name, status: e.status,
		    message: e.message, id: e.requestID,
		    retry_after: e.headers?.get?.('retry-after') };
	}
}

const cases = {
	text: (rq) => client.plain(rq),
	stream: (rq) => streamed(rq),
	system: (rq) => client.plain({ ...rq, system: 'Be brief.' }),
	tool: (rq) => loop(client.plain, rq),
	toolstream: (rq) => loop(streamed, rq),
	toolthink: (rq) => loop(client.plain, { ...rq, think: true }),
	toolthinkstream: (rq) => loop(streamed, { ...rq, think: true }),
	image: (rq) => client.plain({ ...rq, image: png }),
	schema: (rq) => client.plain({ ...rq, schema }),
	loose: (rq) => client.plain({ ...rq, schema: loose }),
	think: (rq) => client.plain({ ...rq, think: true }),
	thinkstream: (rq) => streamed({ ...rq, think: true }),
	abort,
	cut: (rq) => failing(client.stream, rq),
	late: (rq) => failing(client.stream, rq),
};
if (client.count)
	cases.count = (rq) => client.count({ ...rq, tools });
if (client.embed)
	cases.embed = (rq) => failing(client.embed, rq);
if (client.runner)
	cases.runner = (rq) => client.runner({ ...rq, tools });
if (client.talk)
	cases.talk = client.talk;
if (client.chat)
	cases.chat = client.chat;
for (const status of [400, 401, 403, 404, 429, 500, 503, 529]) {
	cases[`e${status}`] = (rq) => failing(client.plain, rq);
	cases[`s${status}`] = (rq) => failing(client.stream, rq);
}

async function one(provider, name) {
	let got;
	try {
		got = await cases[name](request(provider, name));
	} catch (e) {
		got = { threw: e.stack };
	}
	delete got.again;
	console.log(JSON.stringify({ provider, name, ...got }));
}

await Promise.all(providers.map(async (provider) => {
	for (const name of Object.keys(cases))
		await one(provider, name);
}));
