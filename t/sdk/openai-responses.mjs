// OpenAI's SDK, Responses.

import OpenAI from 'openai';

function content({ prompt, image }) {
	return image ? [{ type: 'input_text', text: prompt },
	    { type: 'input_image', detail: 'auto',
	    image_url: `data:image/png;base64,${image}` }] : prompt;
}

function params(rq) {
	const input = [{ role: 'user', content: content(rq) }];

	if (rq.history) {
		const output = rq.history.again;
		input.push(...output);
		output.filter((item) => item.type === 'function_call')
		    .forEach((call, i) => input.push({
		    type: 'function_call_output', call_id: call.call_id,
		    output: rq.history.results[i] }));
	}
	return { model: rq.model, input, store: false,
	    instructions: rq.system,
	    tools: rq.tools?.map(({ name, description, parameters }) => ({
	    type: 'function', name, description, parameters, strict: true })),
	    reasoning: rq.think ? { effort: 'high', summary: 'auto' } :
	    undefined,
	    text: rq.schema && { format: { type: 'json_schema', name: 'city',
	    strict: rq.schema.required.length > 1, schema: rq.schema } } };
}

function answer(r) {
	const of = (type) => r.output.filter((item) => item.type === type);

	return { text: r.output_text, model: r.model,
	    thinking: of('reasoning').flatMap((item) => item.summary)
	    .map((part) => part.text).join(''),
	    calls: of('function_call').map((call) => ({ name: call.name,
	    args: JSON.parse(call.arguments) })),
	    parsed: r.output_parsed, stop: r.status,
	    input: r.usage?.input_tokens, output: r.usage?.output_tokens,
	    again: r.output };
}

export default function (base) {
	const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'sk-client',
	    maxRetries: 0 });

	async function plain(rq) {
		return answer(await (rq.schema ?
		    client.responses.parse(params(rq)) :
		    client.responses.create(params(rq))));
	}
	// This version does not throw at an "error" event: it hands it out.
	async function stream(rq, onText) {
		const s = client.responses.stream(params(rq),
		    { signal: rq.signal });
		let failed;
		s.on('response.output_text.delta', (ev) => onText(ev.delta));
		s.on('response.failed', (ev) => {
			failed = ev.response.error;
		});
		s.on('error', () => {});
		s.on('event', (ev) => {
			if (ev.type === 'error')
				failed = ev;
		});
		let got;
		try {
			got = await s.finalResponse();
		} catch (e) {
			if (!failed)
				throw e;
		}
		if (failed)
			throw new OpenAI.APIError(undefined, failed,
			    failed.message, undefined);
		return answer(got);
	}
	async function count(rq) {
		const { store, ...rest } = params(rq);
		const r = await client.responses.inputTokens.count(rest);
		return { tokens: r.input_tokens };
	}
	// A conversation that is kept for it.
	async function talk(rq) {
		const { input, store, ...rest } = params(rq);
		const { id } = await client.conversations.create({ items:
		    [{ role: 'user', content: 'before' }] });
		const r = answer(await client.responses.create({ ...rest,
		    input, conversation: id }));
		const items = [];
		for await (const item of client.conversations.items.list(id,
		    { order: 'asc', limit: 2 }))
			items.push(item);
		await client.conversations.items.delete(items[0].id,
		    { conversation_id: id });
		const left = await client.conversations.items.list(id);
		const gone = await client.conversations.delete(id);
		return { ...r, items: items.map((item) =>
		    item.content[0].text), left: left.data.length,
		    deleted: gone.deleted };
	}
	return { plain, stream, count, talk };
}
