// What can be set while everything runs, and where each value is from.
import { html, useState, useGet, api, t, toast } from '../lib.js';
import { Panel, Load, Field, Badge, Failure, useForm } from '../parts.js';

const groups = [
	['Serving requests', /^(MODE|STRICT|MAX_BODY|KEEPALIVE|PREFERRED_PROVIDER|CHOICES_MAX|SERVER_TOOLS|REFUSAL_TIME|ALLOW_ANONYMOUS|BUDGET_UNPRICED|MODELS_FILE)$/],
	['Retries, keys and waiting', /^(RETRY|COOLDOWN|RECHECK|QUEUE|BREAKER)/],
	['Media by URL', /^FETCH/],
	['Log and retention', /^(LOG|STATE|REVISIONS)/],
	['More', /./],
];
const sources = { default: ['', 'default'], 'app.yml': ['', 'app.yml'], database: ['good', 'set here'] };

// The hint below a field: what it means, and what it may be.
function hint(s) {
	const range = s.min !== undefined ? t('{min} to {max}', { min: s.min, max: s.max }) : '';
	const deflt = s.default === '' ? '' : t('default {value}', { value: s.default });
	return [t(s.text), range, deflt].filter(Boolean).join(' · ');
}

function input(s) {
	if (s.type === 'boolean')
		return { type: 'select', options: [['true', t('yes')], ['false', t('no')]] };
	if (s.type === 'word')
		return { type: 'select', options: s.words.map((w) => [w, w]) };
	if (s.type === 'tools')
		return { type: 'textarea', spellcheck: false, placeholder: 'image_generation: drop' };
	return { type: 'text', spellcheck: false, autocomplete: 'off', inputmode: s.type === 'integer' ? 'numeric' : undefined };
}

function Setting({ s, value, onInput, onReset, error, may }) {
	const [kind, word] = sources[s.source];
	const changed = value !== undefined;
	return html`<div class=${`setting ${changed ? 'changed' : ''}`}>
		<${Field} label=${s.name} value=${changed ? value : s.value} onInput=${onInput} error=${error} hint=${hint(s)} disabled=${!may || !!s.fixed} ...${input(s)} />
		<div class="from">${changed ? html`<${Badge} kind="warn">${t('not saved')}</${Badge}> <button type="button" class="link small" onClick=${() => onInput(undefined)}>${t('as it was')}</button>` : html`
			<${Badge} kind=${kind}>${t(word)}</${Badge}>
			${s.source === 'database' && html` <span class="dim">${s.file === '' ? t('app.yml: nothing') : `app.yml: ${s.file}`}</span>
				${may && html` <button type="button" class="link small" onClick=${onReset} aria-label=${t('Reset {name}', { name: s.name })}>${t('Reset')}</button>`}`}
			${s.fixed && html` <span class="dim">${t('in app.yml alone')}</span>`}`}</div></div>`;
}

export function Settings({ query: q, user }) {
	const settings = useGet('/settings');
	const form = useForm();
	const [find, setFind] = useState(q.find || '');
	const [changes, setChanges] = useState({});
	const may = user.role === 'admin';
	const n = Object.keys(changes).length;
	const set = (s, v) => setChanges((c) => {
		const o = { ...c, [s.name]: v };
		if (v === undefined || v === s.value)
			delete o[s.name];
		return o;
	});
	const put = async (body) => {
		if (!(await form.run(() => api('PATCH', '/settings', body)))) {
			setTimeout(() => { const bad = document.querySelector('#page [aria-invalid=true]'); if (bad) bad.focus(); });
			return;
		}
		toast(t('Saved.'));
		setChanges((c) => Object.fromEntries(Object.entries(c).filter(([k]) => !(k in body))));
		settings.reload();
	};
	const fits = (s) => `${s.name} ${s.text} ${t(s.text)}`.toLowerCase().includes(find.toLowerCase());
	return html`<${Panel}>
		<p class="dim">${t('What is set here holds at once, without a restart, and goes before app.yml until it is reset. Address, port, processes and hosts are in app.yml alone.')}</p>
		<${Field} label=${t('Find')} type="search" value=${find} onInput=${setFind} /></${Panel}>
	<${Load} of=${settings}>${(d) => {
		const left = d.settings.filter(fits);
		const of = (re, i) => left.filter((s) => groups.findIndex(([, x]) => x.test(s.name)) === i);
		return html`<form onSubmit=${(e) => { e.preventDefault(); put(changes); }}>
			${groups.map(([name, re], i) => of(re, i).length > 0 && html`<${Panel} key=${name} title=${t(name)}><div class="settings">
				${of(re, i).map((s) => html`<${Setting} key=${s.name} s=${s} may=${may} value=${changes[s.name]} onInput=${(v) => set(s, v)}
					onReset=${() => put({ [s.name]: null })} error=${form.fieldError(s.name)} />`)}</div></${Panel}>`)}
			${left.length === 0 && html`<div class="empty">${t('No setting is called that.')}</div>`}
			${form.general && html`<${Failure} error=${form.general} />`}
			${may && n > 0 && html`<div class="savebar"><span>${t('{n} not saved', { n })}</span><span class="grow"></span>
				<button type="button" onClick=${() => setChanges({})}>${t('Cancel')}</button><button class="primary" disabled=${form.busy}>${t('Save')}</button></div>`}
		</form>`; }}</${Load}>`;
}
