// What the pages of managed objects share: a form that is made of a list of
// fields, and one small real request.
import { html, send, t, told } from './lib.js';
import { Field, Dialog, Failure } from './parts.js';
import { useEdit, Met, lines } from './edit.js';
import { pairs, pairsOf } from './rule.js';

// Between what the server has and what stands in a field, by the field's type.
const two = (n) => String(n).padStart(2, '0');
const forms = {
	lines: { input: 'textarea', none: [], text: (v) => v.join('\n'), value: lines },
	number: { input: 'number', none: 0, text: String, value: (s) => (s === '' ? 0 : Number(s)) },
	checkbox: { input: 'checkbox', none: false, text: (v) => v, value: (v) => v },
	// A point in time, in microseconds; 0: none.
	time: { input: 'datetime-local', none: 0,
		text: (v) => { const d = new Date(v / 1000); return v ? `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}` : ''; },
		value: (s) => (s ? new Date(s).getTime() * 1000 : 0) },
	// { name: value }, a line each.
	headers: { input: 'textarea', none: {}, text: pairs, value: (s, f) => pairsOf(s, f.name) },
};
const plain = { none: '', text: String, value: (s) => s };
const formOf = (f) => forms[f.type] || plain;

// fields: { name, label, type, hint, options, required, value, fixed: not after
// it was made }.
export function ObjectForm({ kind, title, item, fields, note, onDone, onClose }) {
	const used = fields.filter((f) => !(f.fixed && item));
	const fieldsOf = (o) => Object.fromEntries(used.map((f) => {
		const v = o ? o[f.name] : f.value;
		return [f.name, formOf(f).text(v === undefined || v === null ? formOf(f).none : v)];
	}));
	// Of one that is there, only what was changed: a member may be out of reach here.
	const bodyOf = (v) => Object.fromEntries(used.filter((f) => !item || v[f.name] !== fieldsOf(item)[f.name]).map((f) => [f.name, formOf(f).value(v[f.name], f)]));
	const { f: values, set, form, met, save } = useEdit(`/${kind}`, item, fieldsOf, bodyOf);
	const submit = async (e) => {
		e.preventDefault();
		const r = await save();
		if (r) {
			onDone(r);
			onClose();
		}
	};
	return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
		${note && html`<p class="dim">${note}</p>`}<${Met} met=${met} />
		<div class="fields">${used.map((f) => html`<${Field} key=${f.name} label=${f.label} type=${formOf(f).input || f.type} options=${f.options} required=${f.required}
			min=${f.type === 'number' ? 0 : undefined} hint=${f.hint} value=${values[f.name]} error=${form.fieldError(f.name)} onInput=${set(f.name)} />`)}</div>
		${form.error && form.error.status !== 412 && !used.some((f) => f.name === form.error.field) && html`<${Failure} error=${form.error} />`}
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
		detail = told(o.error ? o.error.message : o.detail) || '';
	} catch (e) {
		detail = text.slice(0, 200);
	}
	return { status: r.status, ms: performance.now() - from, detail };
}
