// Set-up of programs to copy, and a light for each that has come.
import { html, useState, useGet, useEvents, api, t, when, copy, told } from '../lib.js';
import { Panel, Field, Segment, Badge, Failure, useForm } from '../parts.js';
import { dialects } from '../code.js';
import { baseOf, clients } from '../clients.js';

function NewKey({ none, onKey }) {
	const form = useForm();
	const [name, setName] = useState('');
	const submit = async (e) => {
		e.preventDefault();
		const r = await form.run(() => api('POST', '/client-keys', { name }));
		if (r)
			onKey({ id: r.id, name, value: r.key });
	};
	return html`<form onSubmit=${submit}>
		<${Field} label=${t('Name of a new client key')} value=${name} onInput=${setName} required placeholder=${t('laptop')} error=${form.fieldError('name')}
			hint=${none ? t('There is no client key yet: from the first one on, every request needs one.') : t('It is shown once, in the text to copy.')} />
		${form.general && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button class="primary" disabled=${form.busy}>${t('Make a client key')}</button></div></form>`;
}

const lightOf = (r) => (!r ? '' : r.status >= 400 || r.status === 0 ? 'bad' : 'good');

function Arrived({ row }) {
	if (!row)
		return html`<p role="status"><span class="light"></span> <span class="dim">${t('Waiting for its first request …')}</span></p>`;
	const bad = lightOf(row) === 'bad';
	return html`<p role="status"><span class=${`light ${lightOf(row)}`}></span> ${bad ? t('It came at {time}, and got {status}: {error}', { time: when(row.time), status: row.status, error: told(row.error || row.close) }) :
		t('It works: {model} was answered at {time}.', { model: row.model_asked || row.path, time: when(row.time) })} <a href=${`#/logs?open=${row.request_id}`}>${t('Look')}</a></p>`;
}

export function Connect({ figures, user }) {
	const admin = user.role === 'admin';
	const keys = useGet('/client-keys');
	const models = useGet('/served-models');
	const [id, setId] = useState('claude-code');
	const [base, setBase] = useState(null);
	const [model, setModel] = useState('');
	const [own, setOwn] = useState('');
	const [made, setMade] = useState(null);
	const [dialect, setDialect] = useState('openai-chat');
	const [arrived, setArrived] = useState({});
	// By the key that was made here, or by how the program calls itself.
	const mine = (c, r) => (c.agent ? c.agent.test(r.user_agent) : made && r.client_key_id === made.id && !clients.some((x) => x.agent && x.agent.test(r.user_agent)));
	useEvents('/logs/follow', { row: (r) => {
		if (r.client !== 'operator')
			setArrived((a) => clients.reduce((o, c) => (mine(c, r) && lightOf(o[c.id]) !== 'good' ? { ...o, [c.id]: r } : o), a));
	} });
	const client = clients.find((c) => c.id === id);
	const names = models.data ? models.data.data.map((m) => m.id) : [];
	const none = keys.data && keys.data.client_keys.length === 0;
	const key = (made && made.value) || own || (none ? 'anything' : 'YOUR-CLIENT-KEY');
	const address = base === null ? baseOf(figures && figures.proxyd) : base;
	const local = /^https?:\/\/(127\.|localhost|\[::1\])/.test(address);
	const steps = client.steps({ base: address.replace(/\/+$/, ''), key, model: model || names[0] || 'mock-echo', dialect });
	return html`<div class="grid connect">
	<${Panel} title=${t('With what')}>
		<${Field} label=${t('Address of this gateway')} value=${address} onInput=${setBase} spellcheck=${false}
			hint=${local ? t('Programs on this machine alone reach it there; HOST in app.yml opens it.') : undefined} />
		<${Field} label=${t('Model')} value=${model} onInput=${setModel} list="connect-models" placeholder=${names[0] || 'mock-echo'} spellcheck=${false} />
		<datalist id="connect-models">${names.map((m) => html`<option key=${m} value=${m}></option>`)}</datalist>
		${made ? html`<p><${Badge} kind="good">${t('new')}</${Badge}> ${t('Client key “{name}” is in the text to copy. It is not shown again.', { name: made.name })}</p>
			<div class="actions"><button onClick=${() => copy(made.value)}>${t('Copy the key')}</button><button onClick=${() => setMade(null)}>${t('Another one')}</button></div>` : html`
			${admin && html`<${NewKey} none=${none} onKey=${(k) => { setMade(k); keys.reload(); }} />`}
			<${Field} label=${t('Or a client key that you have')} type="password" autocomplete="off" value=${own} onInput=${setOwn} />`}
	</${Panel}>
	<div><div class="clients" role="group" aria-label=${t('Program')}>${clients.map((c) => html`<button key=${c.id} aria-pressed=${c.id === id} onClick=${() => setId(c.id)}>
			<span class=${`light ${lightOf(arrived[c.id])}`}></span> ${c.name}${arrived[c.id] && html`<span class="sr"> ${lightOf(arrived[c.id]) === 'good' ? t('works') : t('refused')}</span>`}</button>`)}</div>
		<${Panel} title=${client.name} right=${client.dialects && html`<${Segment} label=${t('Dialect')} value=${dialect} onChange=${setDialect} options=${dialects} />`}>
			${client.note && html`<p class="dim">${t(client.note)}</p>`}
			${steps.map(([what, text], i) => html`<div key=${id + i}><div class="bar step"><h3>${t(what)}</h3><span class="grow"></span>
				<button class="small" onClick=${() => copy(text)}>${t('Copy')}<span class="sr"> ${t(what)}</span></button></div><pre tabindex="0" aria-label=${t(what)}>${text}</pre></div>`)}
			<${Arrived} row=${arrived[id]} />
		</${Panel}></div></div>`;
}
