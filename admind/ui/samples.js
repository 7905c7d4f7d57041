// Something to begin with in the translation lab, for each dialect and kind.
const json = (o) => JSON.stringify(o, null, 2);
const sse = (list) => list.map(([event, o]) => `${event ? `event: ${event}\n` : ''}data: ${typeof o === 'string' ? o : JSON.stringify(o)}\n\n`).join('');
const schema = { type: 'object', properties: { city: { type: 'string', description: 'Name of the city' } }, required: ['city'], additionalProperties: false };
const about = 'Tells the weather of a city';
const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==';
const chunk = (delta, finish, usage) => ['', { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1790000000, model: 'gpt-5',
    choices: [{ index: 0, delta, finish_reason: finish || null }], ...(usage ? { usage } : {}) }];

export const samples = {
	'openai-chat': {
		request: json({ model: 'gpt-5', max_completion_tokens: 500, reasoning_effort: 'low', logit_bias: { 50256: -100 },
		    messages: [{ role: 'developer', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'What colour is this, and is it raining in Oslo?' },
		    { type: 'image_url', image_url: { url: `data:image/png;base64,${dot}` } }] }],
		    tools: [{ type: 'function', function: { name: 'weather', description: about, parameters: schema, strict: true } }], tool_choice: 'auto' }),
		response: json({ id: 'chatcmpl-1', object: 'chat.completion', created: 1790000000, model: 'gpt-5', choices: [{ index: 0, message: { role: 'assistant',
		    content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }] }, finish_reason: 'tool_calls' }],
		    usage: { prompt_tokens: 96, completion_tokens: 40, total_tokens: 136, prompt_tokens_details: { cached_tokens: 64 }, completion_tokens_details: { reasoning_tokens: 24 } } }),
		stream: sse([chunk({ role: 'assistant', content: '' }), chunk({ content: 'It is ' }), chunk({ content: 'green.' }), chunk({}, 'stop'),
		    ['', { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1790000000, model: 'gpt-5', choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 } }], ['', '[DONE]']]),
	},
	'openai-responses': {
		request: json({ model: 'gpt-5', max_output_tokens: 500, store: false, instructions: 'Be brief.', reasoning: { effort: 'low', summary: 'auto' },
		    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'What colour is this, and is it raining in Oslo?' },
		    { type: 'input_image', image_url: `data:image/png;base64,${dot}` }] }],
		    tools: [{ type: 'function', name: 'weather', description: about, parameters: schema, strict: true }, { type: 'custom', name: 'shell', description: 'Runs a command', format: { type: 'text' } }] }),
		response: json({ id: 'resp_1', object: 'response', created_at: 1790000000, status: 'completed', model: 'gpt-5', output: [
		    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'A city is named: ask the tool.' }] },
		    { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}', status: 'completed' }],
		    usage: { input_tokens: 96, input_tokens_details: { cached_tokens: 64 }, output_tokens: 40, output_tokens_details: { reasoning_tokens: 24 }, total_tokens: 136 } }),
		stream: sse([
		    ['response.created', { type: 'response.created', sequence_number: 0, response: { id: 'resp_1', object: 'response', created_at: 1790000000, status: 'in_progress', model: 'gpt-5', output: [] } }],
		    ['response.output_item.added', { type: 'response.output_item.added', sequence_number: 1, output_index: 0, item: { id: 'msg_1', type: 'message', status: 'in_progress', role: 'assistant', content: [] } }],
		    ['response.content_part.added', { type: 'response.content_part.added', sequence_number: 2, item_id: 'msg_1', output_index: 0, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } }],
		    ['response.output_text.delta', { type: 'response.output_text.delta', sequence_number: 3, item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'It is green.' }],
		    ['response.output_text.done', { type: 'response.output_text.done', sequence_number: 4, item_id: 'msg_1', output_index: 0, content_index: 0, text: 'It is green.' }],
		    ['response.output_item.done', { type: 'response.output_item.done', sequence_number: 5, output_index: 0, item: { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'It is green.', annotations: [] }] } }],
		    ['response.completed', { type: 'response.completed', sequence_number: 6, response: { id: 'resp_1', object: 'response', created_at: 1790000000, status: 'completed', model: 'gpt-5',
		        output: [{ id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'It is green.', annotations: [] }] }],
		        usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13 } } }]]),
	},
	anthropic: {
		request: json({ model: 'claude-sonnet-5', max_tokens: 500, top_k: 40, system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
		    messages: [{ role: 'user', content: [{ type: 'text', text: 'What colour is this, and is it raining in Oslo?' },
		    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: dot } }] }],
		    tools: [{ name: 'weather', description: about, input_schema: schema }], thinking: { type: 'enabled', budget_tokens: 1024 } }),
		response: json({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-5', content: [{ type: 'thinking', thinking: 'A city is named: ask the tool.', signature: 'c2lnbmVk' },
		    { type: 'text', text: 'It is green.' }, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } }], stop_reason: 'tool_use', stop_sequence: null,
		    usage: { input_tokens: 32, cache_read_input_tokens: 64, cache_creation_input_tokens: 0, output_tokens: 40 } }),
		stream: sse([
		    ['message_start', { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-5', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 9, output_tokens: 1 } } }],
		    ['content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }],
		    ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'It is ' } }],
		    ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'green.' } }],
		    ['content_block_stop', { type: 'content_block_stop', index: 0 }],
		    ['message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 4 } }],
		    ['message_stop', { type: 'message_stop' }]]),
	},
	gemini: {
		request: json({ systemInstruction: { parts: [{ text: 'Be brief.' }] }, contents: [{ role: 'user', parts: [{ text: 'What colour is this, and is it raining in Oslo?' },
		    { inlineData: { mimeType: 'image/png', data: dot } }] }], tools: [{ functionDeclarations: [{ name: 'weather', description: about, parametersJsonSchema: schema }] }],
		    generationConfig: { maxOutputTokens: 500, topK: 40, thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } }, safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }] }),
		response: json({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'It is green.' }, { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2lnbmVk' }] }, finishReason: 'STOP' }],
		    usageMetadata: { promptTokenCount: 96, cachedContentTokenCount: 64, candidatesTokenCount: 16, thoughtsTokenCount: 24, totalTokenCount: 136 }, modelVersion: 'gemini-3-pro', responseId: 'r1' }),
		stream: sse([
		    ['', { candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'It is ' }] } }], modelVersion: 'gemini-3-pro', responseId: 'r1' }],
		    ['', { candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'green.' }] }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 }, modelVersion: 'gemini-3-pro', responseId: 'r1' }]]),
	},
};
