// How programs are told of this gateway.  Each gives, for { base, key, model,
// dialect }, its steps: [what, text to copy]; agent is how its requests call
// themselves, where that is known.
const sh = (s) => (/^[\w@%+=:,./-]+$/.test(s) ? s : `'${s.replaceAll("'", "'\\''")}'`);
const js = (s) => JSON.stringify(s);
const say = 'Hello!';

// Where this browser would reach proxyd.
export function baseOf(p) {
	if (!p || !p.port)
		return 'http://127.0.0.1:8000';
	const any = p.host === '0.0.0.0' || p.host === '::';
	const host = any ? location.hostname : p.host;
	return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${p.port}`;
}

// A request of one turn, in each dialect: [path, body].
function hello(dialect, model) {
	if (dialect === 'openai-chat')
		return ['/v1/chat/completions', { model, messages: [{ role: 'user', content: say }] }];
	if (dialect === 'openai-responses')
		return ['/v1/responses', { model, input: say }];
	if (dialect === 'anthropic')
		return ['/v1/messages', { model, max_tokens: 500, messages: [{ role: 'user', content: say }] }];
	return [`/v1beta/models/${encodeURIComponent(model)}:generateContent`, { contents: [{ role: 'user', parts: [{ text: say }] }] }];
}

export const authHeader = (dialect, key) => (dialect === 'anthropic' ? `x-api-key: ${key}` : dialect === 'gemini' ? `x-goog-api-key: ${key}` : `Authorization: Bearer ${key}`);

// body is JSON as text.
export function curlOf(base, dialect, path, body, key) {
	return `curl ${sh(base + path)} \\\n  -H 'Content-Type: application/json' \\\n  -H ${sh(authHeader(dialect, key))} \\\n${
	    dialect === 'anthropic' ? "  -H 'anthropic-version: 2023-06-01' \\\n" : ''}  -d ${sh(body)}`;
}

function python({ base, key, model, dialect }) {
	if (dialect === 'anthropic')
		return ['pip install anthropic', `import anthropic

client = anthropic.Anthropic(base_url=${js(base)}, api_key=${js(key)})
message = client.messages.create(model=${js(model)}, max_tokens=500,
    messages=[{"role": "user", "content": ${js(say)}}])
print(message.content[0].text)`];
	if (dialect === 'gemini')
		return ['pip install google-genai', `from google import genai

client = genai.Client(api_key=${js(key)}, http_options={"base_url": ${js(base)}})
answer = client.models.generate_content(model=${js(model)}, contents=${js(say)})
print(answer.text)`];
	return ['pip install openai', `from openai import OpenAI

client = OpenAI(base_url=${js(`${base}/v1`)}, api_key=${js(key)})
${dialect === 'openai-chat' ? `answer = client.chat.completions.create(model=${js(model)},
    messages=[{"role": "user", "content": ${js(say)}}])
print(answer.choices[0].message.content)` : `answer = client.responses.create(model=${js(model)}, input=${js(say)})
print(answer.output_text)`}`];
}

function node({ base, key, model, dialect }) {
	if (dialect === 'anthropic')
		return ['npm install @anthropic-ai/sdk', `import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: ${js(base)}, apiKey: ${js(key)} });
const message = await client.messages.create({ model: ${js(model)}, max_tokens: 500,
  messages: [{ role: 'user', content: ${js(say)} }] });
console.log(message.content[0].text);`];
	if (dialect === 'gemini')
		return ['npm install @google/genai', `import { GoogleGenAI } from '@google/genai';

const client = new GoogleGenAI({ apiKey: ${js(key)}, httpOptions: { baseUrl: ${js(base)} } });
const answer = await client.models.generateContent({ model: ${js(model)}, contents: ${js(say)} });
console.log(answer.text);`];
	return ['npm install openai', `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: ${js(`${base}/v1`)}, apiKey: ${js(key)} });
${dialect === 'openai-chat' ? `const answer = await client.chat.completions.create({ model: ${js(model)},
  messages: [{ role: 'user', content: ${js(say)} }] });
console.log(answer.choices[0].message.content);` : `const answer = await client.responses.create({ model: ${js(model)}, input: ${js(say)} });
console.log(answer.output_text);`}`];
}

export const clients = [
	{ id: 'claude-code', name: 'Claude Code', agent: /^claude-cli/, steps: ({ base, key, model }) => [['In the shell', `export ANTHROPIC_BASE_URL=${sh(base)}
export ANTHROPIC_AUTH_TOKEN=${sh(key)}
export ANTHROPIC_MODEL=${sh(model)}
claude`]] },
	{ id: 'codex', name: 'Codex', agent: /^codex/, steps: ({ base, key, model }) => [['~/.codex/config.toml', `model = ${js(model)}
model_provider = "proxyd"

[model_providers.proxyd]
name = "proxyd"
base_url = ${js(`${base}/v1`)}
env_key = "PROXYD_KEY"
wire_api = "responses"`], ['In the shell', `export PROXYD_KEY=${sh(key)}\ncodex`]] },
	{ id: 'gemini-cli', name: 'Gemini CLI', agent: /^GeminiCLI/, steps: ({ base, key, model }) => [['~/.gemini/settings.json', '{ "security": { "auth": { "selectedType": "gemini-api-key" } } }'],
	    ['In the shell', `export GOOGLE_GEMINI_BASE_URL=${sh(base)}\nexport GEMINI_API_KEY=${sh(key)}\ngemini -m ${sh(model)}`]] },
	{ id: 'cursor', name: 'Cursor', agent: null, note: 'Cursor asks from its own servers: the address must be reachable from the internet, with TLS.',
	    steps: ({ base, key, model }) => [['Settings, Models, API keys: OpenAI API key', key], ['Override OpenAI base URL', `${base}/v1`], ['Add a custom model', model]] },
	{ id: 'opencode', name: 'OpenCode', agent: /^opencode/, steps: ({ base, key, model }) => [['opencode.json', JSON.stringify({ provider: { proxyd: { npm: '@ai-sdk/openai-compatible', name: 'proxyd',
	    options: { baseURL: `${base}/v1`, apiKey: key }, models: { [model]: {} } } } }, null, 2)], ['In the shell', `opencode -m ${sh(`proxyd/${model}`)}`]] },
	{ id: 'python', name: 'Python', agent: /python|httpx/i, dialects: true, steps: (c) => python(c).map((text, i) => [i ? 'Program' : 'In the shell', text]) },
	{ id: 'js', name: 'JavaScript', agent: /\bJS\b|node|undici/i, dialects: true, steps: (c) => node(c).map((text, i) => [i ? 'Program' : 'In the shell', text]) },
	{ id: 'curl', name: 'curl', agent: /^curl\//, dialects: true, steps: (c) => {
		const [path, body] = hello(c.dialect, c.model);
		return [['In the shell', curlOf(c.base, c.dialect, path, JSON.stringify(body), c.key)]];
	} },
];
