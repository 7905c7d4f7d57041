// Anthropic's SDK, Messages.

import Anthropic from '@anthropic-ai/sdk';
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';

function content({ prompt, image }) {
	return image ? [{ type: 'text', text: prompt }, { type: 'image',
	    source: { type: 'base64', media_type: 'image/png', data: image } }]
	    : prompt;
}

function params(rq) {
	const messages = [{ role: 'user', content: content(rq) }];

	if (rq.history) {
		const calls = rq.history.again.filter((block) =>
		    block.type === 'tool_use');
		messages.push({ role: 'assistant', content: rq.history.again },
		    { role: 'user', content: calls.map((call, i) => ({
		    type: 'tool_result', tool_use_id: call.id,
		    content: rq.history.results[i] })) });
	}
	return { model: rq.model, max_tokens: 8192, messages,
	    system: rq.system,
	    tools: rq.tools?.map(({ name, description, parameters }) => ({
	    name, description, input_schema: parameters })),
	    thinking: rq.think ? { type: 'enabled', budget_tokens: 2048 } :
	    undefined,
	    output_config: rq.schema && {
	    format: jsonSchemaOutputFormat(rq.schema) } };
}

function answer(r) {
	const of = (type) => r.content.filter((block) => block.type === type);

	return { text: of('text').map((block) => block.text).join(''),
	    thinking: of('thinking').map((block) => block.thinking).join(''),
	    calls: of('tool_use').map((call) => ({ name: call.name,
	    args: call.input })), parsed: r.parsed_output,
	    stop: r.stop_reason, model: r.model,
	    input: r.usage?.input_tokens, output: r.usage?.output_tokens,
	    again: r.content };
}

export default function (base) {
	const client = new Anthropic({ baseURL: base, apiKey: 'sk-client',
	    maxRetries: 0 });

	async function plain(rq) {
		return answer(await (rq.schema ?
		    client.messages.parse(params(rq)) :
		    client.messages.create(params(rq))));
	}
	async function stream(rq, onText) {
		const s = client.messages.stream(params(rq),
		    { signal: rq.signal });
		s.on('text', onText);
		return answer(await s.finalMessage());
	}
	// Begins a message thread, and goes on without one when told so.
	async function runner(rq) {
		return answer(await client.beta.messages.toolRunner({
		    ...params(rq), tools: rq.tools.map((tool) => betaTool({
		    name: tool.name, description: tool.description,
		    inputSchema: tool.parameters, run: tool.run })) }));
	}
	async function count(rq) {
		const { max_tokens, ...rest } = params(rq);
		const r = await client.messages.countTokens(rest);
		return { tokens: r.input_tokens };
	}
	return { plain, stream, runner, count };
}
