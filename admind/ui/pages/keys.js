// A board of keys, by provider.
import { html, useState, useEffect, useGet, api, t, told, toast, percent, ago, ms, when, remove } from '../lib.js';
import { Panel, Load, Field, Dialog, Confirm, Badge, Empty, Failure, useForm } from '../parts.js';
import { ObjectForm, tryOut } from '../objects.js';
import { choices } from '../edit.js';

const kinds = { active: 'good', cooling: 'warn', parked: 'bad', full: 'warn', expired: 'bad', disabled: '' };
const states = () => ({ active: t('active'), cooling: t('cooling'), parked: t('parked'), full: t('full'), expired: t('expired'), disabled: t('disabled') });

const fields = (tenants, now) => [
	{ name: 'note', label: t('Note') },
	{ name: 'weight', label: t('Weight'), type: 'number', value: 1 },
	{ name: 'priority', label: t('Priority'), type: 'number', value: 0, hint: t('The highest first, where the strategy is priority.') },
	{ name: 'max_concurrent', label: t('Requests at once'), type: 'number', hint: t('0: no limit.') },
	{ name: 'rpm', label: t('Requests a minute'), type: 'number', hint: t('0: no limit.') },
	{ name: 'tpm', label: t('Tokens a minute'), type: 'number', hint: t('0: no limit.') },
	{ name: 'models', label: t('Models'), type: 'lines', hint: t('A pattern a line; none: all.') },
	{ name: 'expires_us', label: t('Expires'), type: 'time', hint: t('Empty: never.') },
	{ name: 'tenant', label: t('Tenant'), type: 'select', options: choices(t('of all'), tenants, now), hint: t('Of one tenant: nobody else’s requests get it.') },
];

function Add({ providers, onDone, onClose }) {
	const form = useForm();
	const [provider, setProvider] = useState(providers.length ? providers[0].name : '');
	const [values, setValues] = useState('');
	const [note, setNote] = useState('');
	const [bad, setBad] = useState(null);
	const submit = async (e) => {
		e.preventDefault();
		const r = await form.run(() => api('POST', '/keys', { provider, values, ...(note && { note }) }));
		if (!r)
			return;
		onDone();
		if (r.errors.length) {
			const lines = values.split('\n');
			setBad(r.errors);
			setValues(r.errors.map((x) => lines[x.line - 1]).join('\n'));
		} else {
			toast(t('{n} keys added.', { n: r.keys.length }));
			onClose();
		}
	};
	return html`<${Dialog} title=${t('Add keys')} onClose=${onClose}><form onSubmit=${submit}>
		<p class="dim">${t('A key is sealed when it is saved and never shown again.')}</p>
		<${Field} label=${t('Provider')} type="select" value=${provider} onInput=${setProvider} options=${providers.map((p) => [p.name, p.name])} error=${form.fieldError('provider')} />
		<${Field} label=${t('Keys, one a line')} type="textarea" rows="4" autocomplete="off" spellcheck=${false} required value=${values} onInput=${setValues} error=${form.fieldError('values') || form.fieldError('api_key')} />
		<${Field} label=${t('Note')} value=${note} onInput=${setNote} error=${form.fieldError('note')} />
		${bad && html`<div class="banner" role="alert">${t('These lines were not added:')}<ul>${bad.map((x) => html`<li key=${x.line}>${t('line {n}', { n: x.line })}: ${told(x.detail)}</li>`)}</ul></div>`}
		${form.general && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Add')}</button></div></form></${Dialog}>`;
}

function Off({ item, onDone, onClose }) {
	const form = useForm();
	const [why, setWhy] = useState('');
	const submit = async (e) => {
		e.preventDefault();
		if (await form.run(() => api('PATCH', `/keys/${item.id}`, { enabled: false, disabled_why: why }, { etag: item.etag }))) {
			toast(t('Saved.'));
			onDone();
			onClose();
		}
	};
	return html`<${Dialog} title=${t('Disable key {name}?', { name: item.mask })} onClose=${onClose}><form onSubmit=${submit}>
		<p>${t('Running requests end; no new one gets this key.')}</p>
		<${Field} label=${t('Why')} value=${why} onInput=${setWhy} error=${form.fieldError('disabled_why')} />
		${form.error && form.error.field !== 'disabled_why' && html`<${Failure} error=${form.error} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button><button class="danger" disabled=${form.busy}>${t('Disable')}</button></div></form></${Dialog}>`;
}

function Test({ item, model, onClose }) {
	const [name, setName] = useState(model || '');
	const [r, set] = useState(null);
	const form = useForm();
	const submit = async (e) => {
		e.preventDefault();
		set(null);
		set(await form.run(() => tryOut(name, { 'x-proxyd-target': `${item.provider}/${name}`, 'x-proxyd-key': String(item.id) })));
	};
	return html`<${Dialog} title=${t('Test key {name}', { name: item.mask })} onClose=${onClose}><form onSubmit=${submit}>
		<p class="dim">${t('One small real request, which costs, with this key alone.')}</p>
		<${Field} label=${t('Model')} required value=${name} onInput=${setName} />
		${r && html`<p role="status"><${Badge} kind=${r.status === 200 ? 'good' : 'bad'}>${r.status}</${Badge}> ${ms(r.ms)} ${r.detail}</p>`}
		${form.error && html`<${Failure} error=${form.error} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Close')}</button><button class="primary" disabled=${form.busy}>${t('Test')}</button></div></form></${Dialog}>`;
}

// Counts down by itself between two answers of the server.
function Left({ until }) {
	const [, tick] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => tick((x) => x + 1), 1000);
		return () => clearInterval(timer);
	}, []);
	const left = Math.max(0, Math.round((until - Date.now()) / 1000));
	return html`<span class="mono">${left < 120 ? t('{n} s left', { n: left }) : t('{n} min left', { n: Math.ceil(left / 60) })}</span>`;
}

function Card({ k, at, admin, open, reset }) {
	const live = k.live;
	const state = !k.enabled ? 'disabled' : live ? live.state : 'active';
	const total = live ? live.ok + live.failed : 0;
	const low = live ? live.headroom.filter((m) => m.requests !== null || m.tokens !== null) : [];
	return html`<div class="card"><div class="bar"><b class="mono">${k.mask}</b><span class="grow"></span><${Badge} kind=${kinds[state] || ''}>${states()[state] || state}</${Badge}></div>
		${live && live.until_ms > 0 && html`<div><${Left} until=${at + live.until_ms} /></div>`}
		${live && live.reason && html`<div class="dim">${told(live.reason)}</div>`}
		${live && live.last_error && html`<div class="dim wrap">${t('Last error')}: ${live.last_error.status || t('no answer')} · ${told(live.last_error.text)} · ${ago((Date.now() - new Date(live.last_error.time)) / 1000)}</div>`}
		${k.disabled_why && html`<div class="dim">${k.disabled_by ? `${k.disabled_by}: ` : ''}${k.disabled_why}</div>`}
		${live ? html`<div class="dim">${t('{n} requests', { n: total })}${total ? ` · ${t('{p} went well', { p: percent(live.ok / total) })}` : ''}</div>
			<div class="dim">${t('{n} in flight', { n: live.in_flight })} · ${live.last ? ago((Date.now() - new Date(live.last)) / 1000) : t('never used')}</div>` : html`<div class="dim">${t('not in service')}</div>`}
		${low.map((m) => html`<div class="dim" key=${m.model}>${m.model}: ${m.requests !== null ? t('{n} requests left', { n: m.requests }) : ''} ${m.tokens !== null ? t('{n} tokens left', { n: m.tokens }) : ''}</div>`)}
		${k.tenant && html`<div class="dim">${t('Tenant')}: ${k.tenant}</div>`}
		${k.expires_us > 0 && html`<div class="dim">${t('Expires')}: ${when(k.expires_us / 1000)}</div>`}
		${k.note && html`<div>${k.note}</div>`}
		${admin && html`<div class="actions">${live && ['parked', 'cooling'].includes(live.state) && html`<button class="small primary" onClick=${() => reset(k)}>${t('Reset')}</button>`}
			<button class="small" onClick=${() => open({ test: k })}>${t('Test')}</button>
			<button class="small" onClick=${() => open({ edit: k })}>${t('Change')}</button>
			<button class="small" onClick=${() => open(k.enabled ? { off: k } : { on: k })}>${k.enabled ? t('Disable') : t('Enable')}</button>
			${k.source === 'db' && html`<button class="small danger" onClick=${() => open({ del: k })}>${t('Delete')}</button>`}</div>`}</div>`;
}

export function Keys({ user }) {
	const keys = useGet('/keys', 5);
	const providers = useGet('/providers');
	const tenants = useGet('/tenants');
	const [open, setOpen] = useState(null);
	const admin = user.role === 'admin';
	const close = () => setOpen(null);
	const list = providers.data ? providers.data.providers.filter((p) => p.dialect !== 'mock') : [];
	const reset = async (k) => {
		try {
			await api('POST', `/keys/${k.id}/reset`);
			toast(t('The key serves again.'), true);
		} catch (e) {
			toast(e.message, true);
		}
		keys.reload();
	};
	useEffect(() => {
		if (open && open.on)
			api('PATCH', `/keys/${open.on.id}`, { enabled: true, disabled_why: '' }, { etag: open.on.etag })
				.then(() => toast(t('Saved.')), (e) => toast(e.message, true)).then(() => { close(); keys.reload(); });
	}, [open]);
	return html`<${Panel} title=${t('Keys')} right=${admin && html`<button class="primary" disabled=${!list.length} onClick=${() => setOpen({ add: true })}>${t('Add keys')}</button>`}>
		<${Load} of=${keys}>${(d) => (d.keys.length === 0 ? html`<${Empty}>${t('No keys yet. Add one, or put them into API_KEY_POOLS in app.yml.')}</${Empty}>` :
			[...new Set(d.keys.map((k) => k.provider))].map((p) => html`<div key=${p}><h3>${p}</h3><div class="board">
				${d.keys.filter((k) => k.provider === p).map((k) => html`<${Card} key=${k.id} k=${k} at=${Date.now()} admin=${admin} open=${setOpen} reset=${reset} />`)}</div></div>`))}</${Load}></${Panel}>
	${open && open.add && html`<${Add} providers=${list} onDone=${keys.reload} onClose=${close} />`}
	${open && open.edit && html`<${ObjectForm} kind="keys" title=${t('Key {name}', { name: open.edit.mask })} item=${open.edit} fields=${fields(tenants.data ? tenants.data.tenants.map((x) => x.name) : [], open.edit.tenant)} onDone=${keys.reload} onClose=${close} />`}
	${open && open.off && html`<${Off} item=${open.off} onDone=${keys.reload} onClose=${close} />`}
	${open && open.test && html`<${Test} item=${open.test} model=${(list.find((p) => p.name === open.test.provider) || {}).default_model} onClose=${close} />`}
	${open && open.del && html`<${Confirm} title=${t('Delete key {name}?', { name: open.del.mask })} yes=${t('Delete')} onClose=${close}
		text=${t('Provider {name} loses this key. Its requests stay in the log.', { name: open.del.provider })}
		onYes=${() => remove('/keys', open.del, keys.reload)} />`}`;
}
