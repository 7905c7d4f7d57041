// What was changed, by whom; and back again.
import { html, useState, useEffect, get, api, query, go, t, num, when, toast } from '../lib.js';
import { Panel, Badge, Cards, Dialog, Empty, Failure, Field, Skeleton, useForm } from '../parts.js';
import { Diff, what } from '../diff.js';

// Texts of what a roll-back does besides the diff.
function Notes({ r }) {
	return html`<ul class="notes">
		${r.undone > 1 && html`<li>${t('Revisions that are taken back, in one step: {n}. The step is a revision itself.', { n: num(r.undone) })}</li>`}
		${r.left > 0 && html`<li>${t('Later changes of users and tokens stay as they are ({n}): undo them one by one.', { n: num(r.left) })}</li>`}
		${r.app_yml > 0 && html`<li>${t('Rows that follow app.yml: {n}. They will be as it says when it is next read.', { n: num(r.app_yml) })}</li>`}
		${(r.notes || []).map((x) => html`<li key=${x}>${x}</li>`)}</ul>`;
}

// Shows what would change, and asks; run(dry) does it.
function Preview({ title, yes, run, onDone, onClose }) {
	const [r, set] = useState(null);
	const [error, setError] = useState(null);
	const [busy, setBusy] = useState(false);
	useEffect(() => { run(true).then(set, setError); }, []);
	const sure = async () => {
		setBusy(true);
		try {
			await run(false);
			onDone();
		} catch (e) {
			setError(e);
			setBusy(false);
		}
	};
	return html`<${Dialog} title=${title} onClose=${onClose}>
		${!r && !error && html`<${Skeleton} />`}
		${error && html`<${Failure} error=${error} />`}
		${r && html`<p>${r.diff.length === 0 ? t('Nothing would change.') : t('This changes:')}</p>
			<${Diff} items=${r.diff} /><${Notes} r=${r} />`}
		<div class="actions"><button onClick=${onClose}>${t('Cancel')}</button>
			${r && r.diff.length > 0 && html`<button class="danger" disabled=${busy} onClick=${sure}>${yes}</button>`}</div></${Dialog}>`;
}

function Revision({ n, newest, admin, onDone, onClose }) {
	const [r, set] = useState(null);
	const [error, setError] = useState(null);
	const [ask, setAsk] = useState(null);
	useEffect(() => { get(`/revisions/${n}`).then(set, setError); }, [n]);
	const back = (only) => (dry) => api('POST', `/revisions/${n}/rollback`, { dry_run: dry, only });
	const done = () => { toast(ask === 'undo' ? t('Undone.') : t('Rolled back.')); onDone(); };
	const merged = r && r.since < r.n;
	return html`<${Dialog} sheet title=${t('Revision {n}', { n })} onClose=${onClose}>
		${error && html`<${Failure} error=${error} />`}${!r && !error && html`<${Skeleton} />`}
		${r && html`<dl class="facts"><dt>${t('What')}</dt><dd>${what(r)}</dd><dt>${t('Who')}</dt><dd>${r.author || '–'}</dd>
				<dt>${t('Time')}</dt><dd>${when(r.time, true)}</dd></dl>
			${merged ? html`<p class="dim">${t('Revisions {a} to {b} are merged: what each changed is not kept any more.', { a: r.since, b: r.n })}</p>` :
			html`<h3>${t('What changed')}</h3><${Diff} items=${r.diff} />`}
			${admin && html`<div class="actions">
				${!merged && html`<button onClick=${() => setAsk('undo')}>${t('Undo this change')}</button>`}
				${r.n < newest && html`<button class="danger" onClick=${() => setAsk('back')}>${t('Roll back to here')}</button>`}</div>
				<p class="dim">${t('Undoing takes back this change alone. Rolling back takes back every later one, too. Both show first what they change.')}</p>`}`}
		${ask === 'undo' && html`<${Preview} title=${t('Undo revision {n}?', { n })} yes=${t('Undo it')} run=${back(true)} onDone=${done} onClose=${() => setAsk(null)} />`}
		${ask === 'back' && html`<${Preview} title=${t('Roll back to revision {n}?', { n })} yes=${t('Roll back')} run=${back(false)} onDone=${done} onClose=${() => setAsk(null)} />`}
	</${Dialog}>`;
}

// --- all of it in one file --------------------------------------------------------

const passphraseBad = (s) => (new TextEncoder().encode(s).length < 10 ? t('10 characters or more.') : undefined);

function Export({ onClose }) {
	const form = useForm();
	const [a, setA] = useState('');
	const [b, setB] = useState('');
	const submit = async (e) => {
		e.preventDefault();
		const file = await form.run(() => api('POST', '/export', { passphrase: a }));
		if (!file)
			return;
		const link = document.createElement('a');
		link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: 'application/json' }));
		link.download = `proxyd-export-${file.time.slice(0, 10)}.json`;
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 10000);
		onClose();
	};
	return html`<${Dialog} title=${t('Export everything')} onClose=${onClose}><form onSubmit=${submit}>
		<p>${t('One file with providers and their keys, pools, models, rules, tenants, client keys, prices, settings, users and tokens. Keys are sealed under a passphrase; without it the file is of no use.')}</p>
		<${Field} label=${t('Passphrase')} type="password" autocomplete="new-password" value=${a} onInput=${setA} required hint=${t('10 characters or more.')} error=${form.fieldError('passphrase')} />
		<${Field} label=${t('The passphrase again')} type="password" autocomplete="new-password" value=${b} onInput=${setB} required
			error=${b !== '' && a !== b ? t('The two are not the same.') : undefined} />
		${form.general && html`<${Failure} error=${form.general} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button>
			<button class="primary" disabled=${form.busy || a !== b || passphraseBad(a)}>${form.busy ? t('Sealing …') : t('Download')}</button></div></form></${Dialog}>`;
}

function Import({ onDone, onClose }) {
	const form = useForm();
	const [file, setFile] = useState(null);
	const [passphrase, setPassphrase] = useState('');
	const [replace, setReplace] = useState(false);
	const [look, setLook] = useState(null);
	const [bad, setBad] = useState();
	const read = async (e) => {
		setLook(null);
		setBad(undefined);
		try {
			setFile(JSON.parse(await e.target.files[0].text()));
		} catch (x) {
			setFile(null);
			setBad(t('This file is no JSON: it is damaged, or no export.'));
		}
	};
	const ask = (dry) => form.run(() => api('POST', '/import', { file, passphrase, replace, dry_run: dry }));
	const submit = async (e) => {
		e.preventDefault();
		const r = await ask(!look);
		if (!r || !look) {
			setLook(r || null);
			return;
		}
		toast(t('Imported.'));
		onDone();
	};
	const change = (set) => (v) => { setLook(null); set(v); };
	return html`<${Dialog} title=${t('Import a file')} onClose=${onClose}><form onSubmit=${submit}>
		<p>${t('What is in the file is added, or changed to be as there. Nothing happens before you have seen what would change.')}</p>
		<${Field} label=${t('File of an export')} type="file" accept=".json,application/json" onInput=${() => {}} onChange=${read} required error=${bad || form.fieldError('file')} />
		<${Field} label=${t('Passphrase')} type="password" autocomplete="off" value=${passphrase} onInput=${change(setPassphrase)} required error=${form.fieldError('passphrase')} />
		<${Field} label=${t('Delete what is not in the file')} type="checkbox" value=${replace} onInput=${change(setReplace)} hint=${t('But for users, tokens, and what app.yml says.')} />
		${form.general && html`<${Failure} error=${form.general} />`}
		${look && html`<p>${look.diff.length === 0 ? t('Nothing would change.') : t('This changes:')}</p><${Diff} items=${look.diff} /><${Notes} r=${look} />`}
		<div class="actions"><button type="button" onClick=${onClose}>${t('Cancel')}</button>
			${(!look || look.diff.length > 0) && html`<button class=${look ? 'danger' : 'primary'} disabled=${form.busy || !file}>${look ? t('Import') : t('Show what would change')}</button>`}</div></form></${Dialog}>`;
}

// --- the page --------------------------------------------------------------------------

function Row({ r, newest, onOpen }) {
	const merged = r.since < r.n;
	const open = () => onOpen(r.n);
	return html`<tr class="click" tabindex="0" onClick=${open} onKeyDown=${(e) => { if (e.key === 'Enter') open(); }}>
		<td class="num">${merged ? `${r.since}–${r.n}` : r.n}</td><td class="nowrap">${when(r.time)}</td><td>${r.author || '–'}</td>
		<td class="wide">${what(r)} ${r.n === newest && html`<${Badge} kind="good">${t('now')}</${Badge}>`} ${r.access && !r.configuration && html`<${Badge}>${t('access')}</${Badge}>`}</td>
		<td class="num">${merged ? '–' : num(r.rows)}</td></tr>`;
}

export function Revisions({ query: q, user }) {
	const [list, setList] = useState(null);
	const [next, setNext] = useState(null);
	const [error, setError] = useState(null);
	const [box, setBox] = useState(null);
	const admin = user.role === 'admin';
	const load = async (before) => {
		try {
			const r = await get(`/revisions${query({ limit: 50, before })}`);
			setList((l) => [...(before ? l : []), ...r.revisions]);
			setNext(r.next);
			setError(null);
		} catch (e) {
			setError(e);
		}
	};
	// Anew where one is opened: there may be newer ones.
	useEffect(() => { load(); }, [q.open]);
	const open = (n) => go('revisions', n ? { open: n } : {}, true);
	const done = () => { setBox(null); open(null); if (!q.open) load(); };
	const newest = list && list.length ? list[0].n : 0;
	return html`<${Panel} title=${t('Revisions')} right=${admin && html`<button onClick=${() => setBox('export')}>${t('Export')}</button><button onClick=${() => setBox('import')}>${t('Import')}</button>`}>
		<p class="dim">${t('Every change of the configuration, wherever it came from. Open one to see it, to undo it, or to go back to how it was after it.')}</p>
		${error && html`<${Failure} error=${error} again=${() => load()} />`}
		${!list && !error && html`<${Skeleton} />`}
		${list && list.length === 0 && html`<${Empty}>${t('Nothing was changed yet.')}</${Empty}>`}
		${list && list.length > 0 && html`<${Cards}><table>
			<thead><tr><th class="num">${t('Number')}</th><th>${t('Time')}</th><th>${t('Who')}</th><th>${t('What')}</th><th class="num">${t('Rows')}</th></tr></thead>
			<tbody>${list.map((r) => html`<${Row} key=${r.n} r=${r} newest=${newest} onOpen=${open} />`)}</tbody></table></${Cards}>`}
		${next && html`<div class="actions"><button onClick=${() => load(next)}>${t('Older')}</button></div>`}
	</${Panel}>
	${q.open && html`<${Revision} key=${q.open} n=${Number(q.open) || 0} newest=${newest} admin=${admin} onDone=${done} onClose=${() => open(null)} />`}
	${box === 'export' && html`<${Export} onClose=${() => setBox(null)} />`}
	${box === 'import' && html`<${Import} onDone=${done} onClose=${() => setBox(null)} />`}`;
}
