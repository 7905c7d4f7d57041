// Names that clients may ask for, and what each stands for.
import { html, useState, useEffect, useGet, api, send, t, told, toast, ms, remove } from '../lib.js';
import { Panel, Load, Empty, Field, Dialog, Confirm, Badge, Cards, Failure, Status } from '../parts.js';
import { useEdit, Met, choices } from '../edit.js';
import { requestOf, answerRead, emptyAnswer } from '../chat.js';

const modes = [['', 'as MODE says'], ['transformer', 'translated where needed'], ['direct', 'as it is']];
const blank = { route_key: '', target_model: '', provider: '', pool: '', mode: '', enabled: true };
const fieldsOf = (o) => Object.fromEntries(Object.keys(blank).map((k) => [k, (o || blank)[k]]));

function Form({ item, providers, pools, onDone, onClose }) {
	const { f, set, form, met, save } = useEdit('/models', item, fieldsOf, (x) => x);
	const submit = async (e) => {
		e.preventDefault();
		if (await save()) {
			onDone();
			onClose();
		}
	};
	const general = form.error && !(form.error.field in blank) ? form.error : null;
	return html`<${Dialog} title=${item ? item.route_key : t('Add a model')} onClose=${onClose}><form onSubmit=${submit}><${Met} met=${met} />
		<${Field} label=${t('Route key')} value=${f.route_key} onInput=${set('route_key')} required spellcheck=${false} hint=${t('The name that clients ask for.')} error=${form.fieldError('route_key')} />
		<div class="fields"><${Field} label=${t('Target model')} value=${f.target_model} onInput=${set('target_model')} spellcheck=${false} hint=${t('The name that the provider is asked for.')} error=${form.fieldError('target_model')} />
			<${Field} label=${t('Provider')} type="select" value=${f.provider} onInput=${(v) => { set('provider')(v); set('pool')(''); }} options=${choices('–', providers.map((p) => p.name), f.provider)} error=${form.fieldError('provider')} />
			<${Field} label=${t('Pool')} type="select" value=${f.pool} onInput=${set('pool')} options=${choices(t('all keys'), pools.filter((p) => p.provider === f.provider).map((p) => p.name), f.pool)} error=${form.fieldError('pool')} />
			<${Field} label=${t('Mode')} type="select" value=${f.mode} onInput=${set('mode')} options=${modes.map(([v, text]) => [v, t(text)])} error=${form.fieldError('mode')} /></div>
		<${Field} label=${t('enabled')} type="checkbox" value=${f.enabled} onInput=${set('enabled')} error=${form.fieldError('enabled')} />
		${general && html`<${Failure} error=${general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Save')}</button></div></form></${Dialog}>`;
}

// One small call as the operator; what came of it.
async function trial(model, stop) {
	const { path, body } = requestOf({ dialect: 'openai-chat', model, system: '', turns: [{ role: 'user', text: 'Say OK.', images: [] }], stream: false, maxTokens: 16 });
	const began = performance.now();
	const answer = emptyAnswer('openai-chat');
	const r = await send('POST', `/proxy${path}`, body, { signal: stop });
	const text = await r.text();
	const took = performance.now() - began;
	try {
		const o = JSON.parse(text);
		answerRead(answer, o);
		if (!r.ok && !answer.error)
			answer.error = told(o.detail) || `HTTP ${r.status}`;
	} catch (e) {
		answer.error = t('The answer is not JSON.');
	}
	return { status: r.status, id: r.headers.get('x-proxyd-request-id') || '', took, answer };
}

function Trial({ model, onClose }) {
	const [seen, set] = useState(null);
	const [n, again] = useState(0);
	useEffect(() => {
		const stop = new AbortController();
		set(null);
		trial(model, stop.signal).then(set, (e) => e.name !== 'AbortError' && set({ failed: e }));
		return () => stop.abort();
	}, [n]);
	const a = seen && seen.answer;
	return html`<${Dialog} title=${t('Test of “{name}”', { name: model })} onClose=${onClose}>
		<p class="dim">${t('One real request of a few tokens, sent as you by the routes that hold now.')}</p>
		<div aria-live="polite">${!seen ? html`<p class="dim" role="status">${t('waiting')} …</p>` : seen.failed ? html`<${Failure} error=${seen.failed} />` : html`
			${a.error && html`<${Failure} error=${{ message: told(a.error) }} />`}
			<dl class="facts"><dt>${t('Status')}</dt><dd><${Status} code=${seen.status} /></dd><dt>${t('Duration')}</dt><dd>${ms(seen.took)}</dd>
			${a.text && html`<dt>${t('Answer')}</dt><dd class="said">${a.text}</dd>`}
			${seen.id && html`<dt>${t('Log')}</dt><dd><a class="mono" href=${`#/logs?open=${seen.id}`}>${seen.id}</a></dd>`}</dl>`}</div>
		<div class="actions"><button disabled=${!seen} onClick=${() => again(n + 1)}>${t('Once more')}</button><button class="primary" onClick=${onClose}>${t('Done')}</button></div></${Dialog}>`;
}

function Row({ o, admin, open, onSwitch }) {
	const own = o.source === 'db';
	return html`<tr><td class="mono">${o.route_key}</td><td class="mono">${o.target_model}</td><td>${o.provider}</td><td>${o.pool || '–'}</td><td class="nowrap">${t((modes.find((m) => m[0] === o.mode) || [0, o.mode])[1])}</td>
		<td><${Badge} kind=${o.enabled ? 'good' : 'warn'}>${o.enabled ? t('enabled') : t('disabled')}</${Badge}></td><td class="nowrap">${own ? t('set here') : 'app.yml'}</td>
		<td class="num">${admin && html`<button class="small" disabled=${!o.enabled} aria-label=${t('Test {name}', { name: o.route_key })} onClick=${() => open({ trial: o })}>${t('Test')}</button>${' '}
			${own && html`<button class="small" aria-label=${t('Change {name}', { name: o.route_key })} onClick=${() => open({ item: o })}>${t('Change')}</button>${' '}
			<button class="small" aria-label=${t(o.enabled ? 'Disable {name}' : 'Enable {name}', { name: o.route_key })} onClick=${onSwitch}>${o.enabled ? t('Disable') : t('Enable')}</button>${' '}
			<button class="small danger" aria-label=${t('Delete {name}', { name: o.route_key })} onClick=${() => open({ del: o })}>${t('Delete')}</button>`}`}</td></tr>`;
}

export function Models({ user }) {
	const models = useGet('/models');
	const providers = useGet('/providers');
	const pools = useGet('/pools');
	const [open, setOpen] = useState(null);
	const admin = user.role === 'admin';
	const close = () => setOpen(null);
	const onSwitch = async (o) => {
		try {
			await api('PATCH', `/models/${o.id}`, { enabled: !o.enabled }, { etag: o.etag });
			toast(t('Saved.'));
		} catch (e) {
			toast(e.message, true);
		}
		models.reload();
	};
	return html`<${Panel} title=${t('Models')} right=${admin && html`<button class="primary" onClick=${() => setOpen({ add: true })}>${t('Add a model')}</button>`}>
		<p class="dim">${t('A name here goes before what a model’s own name says. Those from app.yml are changed there.')}</p>
		<${Load} of=${models}>${(d) => (d.models.length === 0 ? html`<${Empty}>${t('None yet. Models go to the provider that their name tells.')}</${Empty}>` :
			html`<${Cards} label=${t('Models')}><table><thead><tr><th>${t('Route key')}</th><th>${t('Target model')}</th><th>${t('Provider')}</th><th>${t('Pool')}</th><th>${t('Mode')}</th><th>${t('State')}</th><th>${t('Source')}</th><th></th></tr></thead>
				<tbody>${d.models.map((o) => html`<${Row} key=${`${o.source}${o.id}`} o=${o} admin=${admin} open=${setOpen} onSwitch=${() => onSwitch(o)} />`)}</tbody></table></${Cards}>`)}</${Load}></${Panel}>
	${open && (open.add || open.item) && providers.data && pools.data && html`<${Form} item=${open.item} providers=${providers.data.providers} pools=${pools.data.pools} onDone=${models.reload} onClose=${close} />`}
	${open && open.trial && html`<${Trial} model=${open.trial.route_key} onClose=${close} />`}
	${open && open.del && html`<${Confirm} title=${t('Delete model “{name}”?', { name: open.del.route_key })} yes=${t('Delete')} onClose=${close}
		text=${t('Requests for this name no longer go to {target}: rules, the name’s family and the preferred provider decide.', { target: `${open.del.provider} ${open.del.target_model}` })}
		onYes=${() => remove('/models', open.del, models.reload)} />`}`;
}
