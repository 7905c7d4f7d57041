// A conversation in one of four dialects: what is sent, and what an answer says.
// A turn is { role: user, text, images }, { role: assistant, text, thinking, calls,
// dialect, native } or { role: tool, results }; native is the answer in its own
// dialect, which that dialect gets back as it was.

const parsed = (s) => { try { return JSON.parse(s || '{}'); } catch (e) { return {}; } };
const dataUrl = (i) => `data:${i.type};base64,${i.data}`;
const list = (a) => (a.length ? a : undefined);

// --- requests -----------------------------------------------------------------------

function chatMessages(c) {
	const out = c.system ? [{ role: 'system', content: c.system }] : [];
	for (const m of c.turns)
		if (m.role === 'user')
			out.push({ role: 'user', content: m.images.length ? [{ type: 'text', text: m.text },
			    ...m.images.map((i) => ({ type: 'image_url', image_url: { url: dataUrl(i) } }))] : m.text });
		else if (m.role === 'assistant')
			out.push({ role: 'assistant', content: m.text || null, tool_calls: list(m.calls.map((k) => ({ id: k.id, type: 'function', function: { name: k.name, arguments: k.args } }))) });
		else
			out.push(...m.results.map((r) => ({ role: 'tool', tool_call_id: r.id, content: r.text })));
	return out;
}

function responsesInput(c) {
	const out = [];
	for (const m of c.turns)
		if (m.role === 'user')
			out.push({ type: 'message', role: 'user', content: [{ type: 'input_text', text: m.text }, ...m.images.map((i) => ({ type: 'input_image', image_url: dataUrl(i) }))] });
		else if (m.role === 'tool')
			out.push(...m.results.map((r) => ({ type: 'function_call_output', call_id: r.id, output: r.text })));
		else if (m.dialect === 'openai-responses' && m.native.length)
			out.push(...m.native);
		else
			out.push(...(m.text ? [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: m.text, annotations: [] }] }] : []),
			    ...m.calls.map((k) => ({ type: 'function_call', call_id: k.id, name: k.name, arguments: k.args })));
	return out;
}

function anthropicMessages(c) {
	return c.turns.map((m) => {
		if (m.role === 'user')
			return { role: 'user', content: m.images.length ? [...m.images.map((i) => ({ type: 'image', source: { type: 'base64', media_type: i.type, data: i.data } })),
			    { type: 'text', text: m.text }] : m.text };
		if (m.role === 'tool')
			return { role: 'user', content: m.results.map((r) => ({ type: 'tool_result', tool_use_id: r.id, content: r.text })) };
		return { role: 'assistant', content: m.dialect === 'anthropic' && m.native.length ? m.native :
		    [...(m.text ? [{ type: 'text', text: m.text }] : []), ...m.calls.map((k) => ({ type: 'tool_use', id: k.id, name: k.name, input: parsed(k.args) }))] };
	});
}

function geminiContents(c) {
	return c.turns.map((m) => {
		if (m.role === 'user')
			return { role: 'user', parts: [...(m.text ? [{ text: m.text }] : []), ...m.images.map((i) => ({ inlineData: { mimeType: i.type, data: i.data } }))] };
		if (m.role === 'tool')
			return { role: 'user', parts: m.results.map((r) => ({ functionResponse: { ...(r.id ? { id: r.id } : {}), name: r.name, response: { result: r.text } } })) };
		return { role: 'model', parts: m.dialect === 'gemini' && m.native.length ? m.native :
		    [...(m.text ? [{ text: m.text }] : []), ...m.calls.map((k) => ({ functionCall: { name: k.name, args: parsed(k.args) } }))] };
	});
}

// { path, body } of a conversation c: { dialect, model, system, turns, tools,
// stream, temperature, maxTokens, extra }; numbers are undefined where not set.
export function requestOf(c) {
	const tools = c.tools || [];
	if (c.dialect === 'openai-chat')
		return { path: '/v1/chat/completions', body: { model: c.model, messages: chatMessages(c), max_completion_tokens: c.maxTokens, temperature: c.temperature,
		    tools: list(tools.map((f) => ({ type: 'function', function: f }))), stream: c.stream, stream_options: c.stream ? { include_usage: true } : undefined, ...c.extra } };
	if (c.dialect === 'openai-responses')
		return { path: '/v1/responses', body: { model: c.model, instructions: c.system || undefined, input: responsesInput(c), max_output_tokens: c.maxTokens,
		    temperature: c.temperature, tools: list(tools.map((f) => ({ type: 'function', ...f }))), store: false, stream: c.stream, ...c.extra } };
	if (c.dialect === 'anthropic')
		return { path: '/v1/messages', body: { model: c.model, system: c.system || undefined, messages: anthropicMessages(c), max_tokens: c.maxTokens || 4096,
		    temperature: c.temperature, tools: list(tools.map((f) => ({ name: f.name, description: f.description, input_schema: f.parameters || { type: 'object' } }))), stream: c.stream, ...c.extra } };
	return { path: `/v1beta/models/${encodeURIComponent(c.model)}:${c.stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
	    body: { systemInstruction: c.system ? { parts: [{ text: c.system }] } : undefined, contents: geminiContents(c),
	    tools: tools.length ? [{ functionDeclarations: tools.map((f) => ({ name: f.name, description: f.description, parametersJsonSchema: f.parameters })) }] : undefined,
	    generationConfig: { maxOutputTokens: c.maxTokens, temperature: c.temperature }, ...c.extra } };
}

// --- answers ------------------------------------------------------------------------

export const emptyAnswer = (dialect) => ({ role: 'assistant', dialect, text: '', thinking: '', calls: [], native: [], usage: null, stop: '', error: null });

const errorOf = (o) => (o && o.error ? (typeof o.error === 'string' ? o.error : o.error.message || JSON.stringify(o.error)) : null);

function chatRead(a, o) {
	const c = (o.choices || [])[0];
	const d = c && (c.delta || c.message);
	if (d) {
		a.text += typeof d.content === 'string' ? d.content : '';
		a.thinking += d.reasoning_content || d.reasoning || '';
		for (const [i, k] of (d.tool_calls || []).entries()) {
			const at = k.index === undefined ? i : k.index;
			const call = a.calls[at] = a.calls[at] || { id: '', name: '', args: '' };
			call.id = k.id || call.id;
			call.name = (k.function && k.function.name) || call.name;
			call.args += (k.function && k.function.arguments) || '';
		}
	}
	if (c && c.finish_reason)
		a.stop = c.finish_reason;
	if (o.usage)
		a.usage = { input: o.usage.prompt_tokens, output: o.usage.completion_tokens };
}

function responsesItem(a, item) {
	a.native.push(item);
	if (item.type === 'function_call')
		a.calls.push({ id: item.call_id, name: item.name, args: item.arguments });
}

function responsesRead(a, o) {
	const whole = o.object === 'response' ? o : null;
	if (o.type === 'response.output_text.delta')
		a.text += o.delta;
	else if (o.type === 'response.reasoning_summary_text.delta' || o.type === 'response.reasoning_text.delta')
		a.thinking += o.delta;
	else if (o.type === 'response.output_item.done')
		responsesItem(a, o.item);
	const done = whole || (/^response\.(completed|incomplete|failed)$/.test(o.type) && o.response);
	if (!done)
		return;
	if (whole)
		for (const item of whole.output || []) {
			responsesItem(a, item);
			for (const p of item.content || [])
				a.text += p.type === 'output_text' ? p.text : '';
			for (const p of item.summary || [])
				a.thinking += p.text || '';
		}
	a.stop = done.status;
	a.error = errorOf(done) || a.error;
	if (done.usage)
		a.usage = { input: done.usage.input_tokens, output: done.usage.output_tokens };
}

function anthropicRead(a, o) {
	const add = (b) => {
		if (b.type === 'tool_use')
			a.calls.push({ id: b.id, name: b.name, args: JSON.stringify(b.input) });
	};
	const usage = (u) => { a.usage = { ...a.usage, ...(u.input_tokens !== undefined ? { input: u.input_tokens } : {}), ...(u.output_tokens !== undefined ? { output: u.output_tokens } : {}) }; };
	if (o.type === 'message') {
		a.native = o.content;
		for (const b of o.content) {
			a.text += b.text || '';
			a.thinking += b.thinking || '';
			add(b);
		}
		a.stop = o.stop_reason;
		usage(o.usage || {});
	} else if (o.type === 'message_start')
		usage(o.message.usage || {});
	else if (o.type === 'content_block_start')
		a.native[o.index] = { ...o.content_block };
	else if (o.type === 'content_block_delta') {
		const b = a.native[o.index] = a.native[o.index] || {};
		const d = o.delta;
		if (d.type === 'text_delta') {
			b.text = (b.text || '') + d.text;
			a.text += d.text;
		} else if (d.type === 'thinking_delta') {
			b.thinking = (b.thinking || '') + d.thinking;
			a.thinking += d.thinking;
		} else if (d.type === 'signature_delta')
			b.signature = (b.signature || '') + d.signature;
		else if (d.type === 'input_json_delta')
			b.json = (b.json || '') + d.partial_json;
	} else if (o.type === 'content_block_stop') {
		const b = a.native[o.index];
		if (b && b.type === 'tool_use') {
			b.input = b.json ? parsed(b.json) : b.input;
			delete b.json;
			add(b);
		}
	} else if (o.type === 'message_delta') {
		a.stop = o.delta.stop_reason || a.stop;
		usage(o.usage || {});
	}
}

function geminiRead(a, o) {
	const c = (o.candidates || [])[0];
	for (const p of (c && c.content && c.content.parts) || []) {
		const last = a.native[a.native.length - 1];
		if (p.thought)
			a.thinking += p.text || '';
		else
			a.text += p.text || '';
		if (p.functionCall)
			a.calls.push({ id: p.functionCall.id || '', name: p.functionCall.name, args: JSON.stringify(p.functionCall.args || {}) });
		if (last && p.text !== undefined && last.text !== undefined && !p.thought === !last.thought && !last.thoughtSignature && !p.thoughtSignature)
			last.text += p.text;
		else
			a.native.push({ ...p });
	}
	if (c && c.finishReason)
		a.stop = c.finishReason;
	if (o.usageMetadata)
		a.usage = { input: o.usageMetadata.promptTokenCount, output: (o.usageMetadata.candidatesTokenCount || 0) + (o.usageMetadata.thoughtsTokenCount || 0) };
}

const readers = { 'openai-chat': chatRead, 'openai-responses': responsesRead, anthropic: anthropicRead, gemini: geminiRead };

// One frame of a stream, or the whole body, as parsed JSON; changes a.
export function answerRead(a, o) {
	if (!o || typeof o !== 'object')
		return;
	a.error = errorOf(o) || (o.type === 'error' && o.message) || a.error;
	readers[a.dialect](a, o);
	a.calls = a.calls.filter(Boolean);
}
