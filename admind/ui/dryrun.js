// What a request would do, and why; nobody is asked.
import { html, useState, useGet, api, Problem, t, num, money, ms, told } from './lib.js';
import { Panel, Field, Segment, Badge, Cards, Failure, useForm } from './parts.js';
import { dialects, lost } from './code.js';
import { requestOf } from './chat.js';
import { pairsOf, tell, strategies } from './rule.js';

// The request that is described by the fields.
function jobOf(f) {
	const made = requestOf({ dialect: f.dialect, model: f.model, system: '', turns: [{ role: 'user', text: f.text, images: [] }], stream: f.stream });
	const job = { dialect: f.dialect, body: made.body, headers: pairsOf(f.headers, 'headers') };
	if (f.as === 'json')
		try {
			job.body = JSON.parse(f.body);
		} catch (e) {
			throw new Problem(422, { field: 'body', detail: e.message });
		}
	if (f.dialect === 'gemini') {
		job.path = made.path.split('?')[0];
		job.model = f.model;
	}
	if (f.key)
		job.client_key_id = Number(f.key);
	return job;
}

const price = (p) => (p ? `${money(p.input)} / ${money(p.output)}` : t('unpriced'));
const Keys = ({ of }) => (of.keys.length === 0 ? '–' : of.keys.map((k) => html`<div key=${k.id}><span class="mono">${k.mask}</span> <${Badge} kind=${k.state === 'active' ? 'good' : 'warn'}>${t(k.state)}${k.for_ms ? ` ${ms(k.for_ms)}` : ''}</${Badge}> ${k.id === of.key_id && t('would be used')}</div>`));

function Targets({ d }) {
	return html`<${Cards} label=${t('Targets')}><table><thead><tr><th>${t('Targets')}</th><th>${t('Provider')}</th><th>${t('Model')}</th><th>${t('Price in / out, a million tokens')}</th><th>${t('At most')}</th><th>${t('Keys')}</th></tr></thead>
		<tbody>${d.targets.map((x, i) => html`<tr key=${i}><td>${i + 1} ${i === d.chosen && html`<${Badge} kind="good">${t('would be asked')}</${Badge}>`}</td>
			<td>${x.provider} ${x.circuit && x.circuit !== 'closed' && html`<${Badge} kind="bad">${t(x.circuit)}</${Badge}>`}<div class="dim">${x.dialect}${x.translated ? ` · ${t('translated')}` : ''}</div></td>
			<td class="mono">${x.model}${x.sets && Object.keys(x.sets).length > 0 && html`<div class="dim">${tell(x.sets)}</div>`}${x.error && html`<div class="bad">${told(x.error.message)}</div>`}
				${lost(x.loss).length > 0 && html`<div class="warn">${t('Loss report')}: ${lost(x.loss).map((l) => l.path || tell(l)).join(', ')}</div>`}</td>
			<td>${price(x.price)}</td><td>${money(x.cost_estimate)}</td><td><${Keys} of=${x} /></td></tr>`)}</tbody></table></${Cards}>`;
}

function Trace({ rules }) {
	return html`<h3>${t('Rules, as they were tried')}</h3>${rules.length === 0 ? html`<p class="dim">${t('There is no rule.')}</p>` : html`
	<${Cards} label=${t('Rules, as they were tried')}><table><thead><tr><th>${t('Rule')}</th><th>${t('Matched')}</th><th>${t('Because of')}</th><th>${t('Wanted')}</th><th>${t('Got')}</th></tr></thead>
		<tbody>${rules.map((r) => html`<tr key=${r.id}><td>${r.rule}</td><td><${Badge} kind=${r.matched ? 'good' : ''}>${r.matched ? t('yes') : t('no')}</${Badge}></td>
			<td class="mono">${r.why || '–'}</td><td class="mono">${tell(r.wanted)}</td><td class="mono">${r.matched ? '–' : tell(r.got)}</td></tr>`)}</tbody></table></${Cards}>`}`;
}

function Result({ d }) {
	const way = (strategies.find((s) => s[0] === d.strategy) || [0, ''])[1];
	return html`<div class="result" aria-live="polite"><h3>${d.by === 'rule' ? t('Rule “{name}” takes it', { name: d.route }) : d.route ? t('No rule takes it: its name decides ({name})', { name: d.route }) : t('Nothing takes it')}</h3>
		${d.error && html`<${Failure} error=${{ message: told(d.error.message) }} />`}
		<p class="dim">${t('{n} tokens estimated', { n: num(d.request.input_tokens) })} · ${t('has')} ${tell(d.request.has)} · ${way && t(way)}</p>
		${d.targets.length > 0 && html`<${Targets} d=${d} />`}<${Trace} rules=${d.rules} />
		${d.limits.length > 0 && html`<h3>${t('Limits')}</h3><ul>${d.limits.map((l, i) => html`<li key=${i} class="mono">${tell(l)}</li>`)}</ul>`}</div>`;
}

export function DryRun() {
	const keys = useGet('/client-keys');
	const form = useForm();
	const [f, setAll] = useState({ dialect: 'openai-chat', model: '', as: 'text', text: '', body: '', headers: '', key: '', stream: false });
	const [d, setD] = useState(null);
	const set = (k) => (v) => setAll((o) => ({ ...o, [k]: v }));
	const shown = ['dialect', 'model', 'body', 'headers', 'client_key_id'];
	const run = async (e) => {
		e.preventDefault();
		const r = await form.run(() => api('POST', '/dry-run', jobOf(f)));
		setD(r || null);
	};
	const toJson = (v) => {
		setAll((o) => {
			const stay = v === 'text' || o.body.trim();
			return { ...o, as: v, body: stay ? o.body : JSON.stringify(jobOf({ ...o, as: 'text', headers: '' }).body, null, 2) };
		});
	};
	const json = f.as === 'json';
	return html`<${Panel} title=${t('What would this request do, and why?')}><p class="dim">${t('Told by what routes requests, without asking anybody.')}</p>
		<form class="rule" onSubmit=${run}><div class="bar"><${Segment} label=${t('Request')} value=${f.as} onChange=${toJson} options=${[['text', t('Message')], ['json', t('Whole body')]]} /></div>
		<div class="fields"><${Field} label=${t('Dialect')} type="select" value=${f.dialect} onInput=${set('dialect')} options=${dialects} error=${form.fieldError('dialect')} />
			${(!json || f.dialect === 'gemini') && html`<${Field} label=${t('Model')} value=${f.model} onInput=${set('model')} required spellcheck=${false} error=${form.fieldError('model')} />`}
			<${Field} label=${t('Client key')} type="select" value=${f.key} onInput=${set('key')} options=${[['', t('none')], ...((keys.data && keys.data.client_keys) || []).map((k) => [String(k.id), k.name])]} error=${form.fieldError('client_key_id')} />
			<${Field} label=${t('Headers')} type="textarea" value=${f.headers} onInput=${set('headers')} hint=${t('name: value, one a line.')} error=${form.fieldError('headers')} spellcheck=${false} /></div>
		${json ? html`<${Field} label=${t('Body of the request, as JSON')} type="textarea" class="tall-ish" value=${f.body} onInput=${set('body')} error=${form.fieldError('body')} spellcheck=${false} />` :
			html`<${Field} label=${t('Message')} type="textarea" value=${f.text} onInput=${set('text')} error=${form.fieldError('body')} />`}
		${(!json || f.dialect === 'gemini') && html`<${Field} label=${t('as a stream')} type="checkbox" value=${f.stream} onInput=${set('stream')} />`}
		${form.error && !shown.includes(form.error.field) && html`<${Failure} error=${form.error} />`}
		<div class="actions"><button class="primary" disabled=${form.busy}>${t('Tell')}</button></div></form>
		${d && html`<${Result} d=${d} />`}</${Panel}>`;
}
