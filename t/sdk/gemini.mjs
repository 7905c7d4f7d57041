// Google's SDK, generateContent.

import { GoogleGenAI } from '@google/genai';

function parts({ prompt, image }) {
	return image ? [{ text: prompt }, { inlineData: {
	    mimeType: 'image/png', data: image } }] : [{ text: prompt }];
}

function params(rq) {
	const contents = [{ role: 'user', parts: parts(rq) }];

	if (rq.history) {
		const calls = rq.history.again.parts.filter((part) =>
		    part.functionCall).map((part) => part.functionCall);
		contents.push(rq.history.again, { role: 'user',
		    parts: calls.map((call, i) => ({ functionResponse: {
		    id: call.id, name: call.name,
		    response: { output: rq.history.results[i] } } })) });
	}
	return { model: rq.model, contents, config: {
	    abortSignal: rq.signal, systemInstruction: rq.system,
	    tools: rq.tools && [{ functionDeclarations: rq.tools.map(
	    ({ name, description, parameters }) => ({ name, description,
	    parametersJsonSchema: parameters })) }],
	    thinkingConfig: rq.think && { includeThoughts: true,
	    thinkingBudget: 2048 },
	    responseMimeType: rq.schema && 'application/json',
	    responseJsonSchema: rq.schema } };
}

function answer(content, r, rq) {
	const text = (thought) => (content.parts ?? []).filter((part) =>
	    part.text && !part.thought === !thought).map((part) => part.text)
	    .join('');
	const usage = r.usageMetadata;

	return { text: text(false), thinking: text(true),
	    calls: (content.parts ?? []).filter((part) => part.functionCall)
	    .map(({ functionCall }) => ({ name: functionCall.name,
	    args: functionCall.args })),
	    parsed: rq.schema && JSON.parse(text(false)),
	    stop: r.candidates?.[0]?.finishReason, model: r.modelVersion,
	    input: usage?.promptTokenCount, output: usage &&
	    (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
	    again: content };
}

export default function (base) {
	const client = new GoogleGenAI({ apiKey: 'sk-client',
	    httpOptions: { baseUrl: base } });

	async function plain(rq) {
		const r = await client.models.generateContent(params(rq));
		return answer(r.candidates[0].content, r, rq);
	}
	async function stream(rq, onText) {
		const content = { role: 'model', parts: [] };
		let last = {}, usage;
		for await (const r of await
		    client.models.generateContentStream(params(rq))) {
			last = r;
			usage = r.usageMetadata ?? usage;
			const more = r.candidates?.[0]?.content?.parts ?? [];
			content.parts.push(...more);
			for (const part of more)
				if (part.text && !part.thought)
					onText(part.text);
		}
		last.usageMetadata = usage;
		return answer(content, last, rq);
	}
	// A callable tool: the SDK goes on by itself.
	async function runner(rq) {
		const callable = {
			tool: async () => params(rq).config.tools[0],
			callTool: async (calls) => calls.map((call) => ({
			    functionResponse: { id: call.id, name: call.name,
			    response: { output: rq.tools.find((tool) =>
			    tool.name === call.name).run(call.args) } } })),
		};
		const p = params(rq);
		const r = await client.models.generateContent({ ...p,
		    config: { ...p.config, tools: [callable] } });
		return answer(r.candidates[0].content, r, rq);
	}
	// The SDK keeps the history.
	async function chat(rq) {
		const { model, config } = params(rq);
		const talk = client.chats.create({ model, config });
		let text, last;
		for (const message of [rq.prompt, 'And now?']) {
			text = '';
			for await (const r of
			    await talk.sendMessageStream({ message })) {
				text += r.text ?? '';
				last = r;
			}
		}
		return answer({ parts: [{ text }] }, last, rq);
	}
	async function count(rq) {
		const { model, contents } = params(rq);
		const r = await client.models.countTokens({ model, contents });
		return { tokens: r.totalTokens };
	}
	async function embed(rq) {
		const r = await client.models.embedContent({ model: rq.model,
		    contents: [rq.prompt, 'more'],
		    config: { outputDimensionality: 3 } });
		return { vectors: r.embeddings.map((e) => e.values) };
	}
	return { plain, stream, runner, chat, count, embed };
}
