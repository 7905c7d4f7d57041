// What the pages of managed objects share: a form that is made of a list of
// fields, and one small real request.
import { html, useState, get, api, send, t, toast } from './lib.js';
import { Field, Dialog, Failure, useForm } from './parts.js';

// One line each, in and out.
const toLines = (v) => (v || []).join('\n');
const ofLines = (s) => s.split('\n').map((x) => x.trim()).filter(Boolean);

const shown = (f, item) => {
	const v = item ? item[f.name] : f.value;
	if (f.type === 'lines')
		return toLines(v);
	if (f.type === 'checkbox')
		return v === undefined ? f.value === true : v;
	return v === undefined || v === null ? '' : String(v);
};

const said = (f, v) => (f.type === 'lines' ? ofLines(v) : f.type === 'number' ? (v === '' ? 0 : Number(v)) : v);

// fields: { name, label, type, hint, options, required, value, fixed: not after
// it was made, keep: left out of what is sent while it is empty }.
export function ObjectForm({ kind, title, item, fields, note, onDone, onClose }) {
	const form = useForm();
	const used = fields.filter((f) => !(f.fixed && item));
	const [was, setWas] = useState(item);
	const [values, set] = useState(() => Object.fromEntries(used.map((f) => [f.name, shown(f, item)])));
	const submit = async (e) => {
		e.preventDefault();
		const body = {};
		for (const f of used)
			if ((item ? values[f.name] !== shown(f, item) : true) && !(f.keep && values[f.name] === ''))
				body[f.name] = said(f, values[f.name]);
		const r = await form.run(async () => {
			try {
				return await (item ? api('PATCH', `/${kind}/${item.id}`, body, { etag: was.etag }) : api('POST', `/${kind}`, body));
			} catch (error) {
				// Who saves again has seen that it was another one.
				if (error.status === 412)
					setWas(await get(`/${kind}/${item.id}`));
				throw error;
			}
		});
		if (r) {
			toast(t('Saved.'));
			onDone(r);
			onClose();
		}
	};
	const stale = form.error && form.error.status === 412;
	return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
		${note && html`<p class="dim">${note}</p>`}
		<div class="fields">${used.map((f) => html`<${Field} key=${f.name} label=${f.label} type=${f.type === 'lines' ? 'textarea' : f.type} options=${f.options} required=${f.required}
			min=${f.type === 'number' ? 0 : undefined} hint=${f.hint} value=${values[f.name]} error=${form.fieldError(f.name)} onInput=${(v) => set((o) => ({ ...o, [f.name]: v }))} />`)}</div>
		${stale ? html`<div class="banner" role="alert">${t('Somebody else has changed it meanwhile. What you typed is kept; saving again puts it in place of theirs.')}</div>` :
			form.error && !used.some((f) => f.name === form.error.field) && html`<${Failure} error=${form.error} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Save')}</button></div></form></${Dialog}>`;
}

// { status, ms, detail } of one small request through proxyd, which costs.
export async function tryOut(model, headers) {
	const from = performance.now();
	const r = await send('POST', '/proxy/v1/chat/completions', { model, max_tokens: 16, messages: [{ role: 'user', content: 'Say OK.' }] }, { headers });
	const text = await r.text();
	let detail = '';
	try {
		const o = JSON.parse(text);
		detail = o.error ? o.error.message : o.detail || '';
	} catch (e) {
		detail = text.slice(0, 200);
	}
	return { status: r.status, ms: performance.now() - from, detail };
}
