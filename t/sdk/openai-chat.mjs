// OpenAI's SDK, Chat Completions.

import OpenAI from 'openai';

const functions = (tools) => tools?.map(({ name, description, parameters }) =>
    ({ type: 'function', function: { name, description, parameters,
    strict: true } }));

function content({ prompt, image }) {
	return image ? [{ type: 'text', text: prompt }, { type: 'image_url',
	    image_url: { url: `data:image/png;base64,${image}` } }] : prompt;
}

function params(rq) {
	const messages = [{ role: 'user', content: content(rq) }];

	if (rq.system)
		messages.unshift({ role: 'system', content: rq.system });
	if (rq.history) {
		messages.push(rq.history.again);
		rq.history.again.tool_calls.forEach((call, i) =>
		    messages.push({ role: 'tool', tool_call_id: call.id,
		    content: rq.history.results[i] }));
	}
	return { model: rq.model, messages, tools: functions(rq.tools),
	    reasoning_effort: rq.think ? 'high' : undefined,
	    response_format: rq.schema && { type: 'json_schema',
	    json_schema: { name: 'city', strict: rq.schema.required.length > 1,
	    schema: rq.schema } } };
}

function answer(r) {
	const { message, finish_reason } = r.choices[0];

	return { text: message.content ?? '',
	    thinking: message.reasoning_content,
	    calls: (message.tool_calls ?? []).map((call) => ({
	    name: call.function.name,
	    args: JSON.parse(call.function.arguments) })),
	    parsed: message.parsed, stop: finish_reason, model: r.model,
	    input: r.usage?.prompt_tokens, output: r.usage?.completion_tokens,
	    again: message };
}

export default function (base) {
	const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'sk-client',
	    maxRetries: 0 });
	const chat = client.chat.completions;

	async function plain(rq) {
		return answer(await (rq.schema ? chat.parse(params(rq)) :
		    chat.create(params(rq))));
	}
	// The helper sums up what it knows; reasoning is read from the chunks.
	async function stream(rq, onText) {
		let thinking = '';
		const s = chat.stream({ ...params(rq),
		    stream_options: { include_usage: true } },
		    { signal: rq.signal });
		s.on('content', onText);
		s.on('chunk', (chunk) => {
			thinking += chunk.choices[0]?.delta
			    ?.reasoning_content ?? '';
		});
		return { ...answer(await s.finalChatCompletion()), thinking };
	}
	async function runner(rq) {
		const tools = rq.tools.map(({ run, ...tool }) => ({
		    type: 'function', function: { ...tool,
		    parse: JSON.parse, function: run } }));
		const s = chat.runTools({ ...params(rq), tools });
		return answer(await s.finalChatCompletion());
	}
	// Asks for base64 and unpacks it.
	async function embed(rq) {
		const r = await client.embeddings.create({ model: rq.model,
		    input: [rq.prompt, 'more'], dimensions: 3 });
		return { vectors: r.data.map((d) => Array.from(d.embedding)) };
	}
	return { plain, stream, runner, embed };
}
