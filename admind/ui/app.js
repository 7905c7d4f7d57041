// The frame: who is there, which page, and what is always to be seen.
import { html, render, useState, useEffect, useHash, useEvents, go, get, api, setCsrf, onLoggedOut,
    remember, t, lang } from './lib.js';
import { setLang } from './i18n.js';
import { Failure, Field, Panel, Toasts, Segment, useForm } from './parts.js';
import { Dashboard } from './pages/dashboard.js';
import { Live } from './pages/live.js';
import { Logs } from './pages/logs.js';
import { Keys } from './pages/keys.js';
import { Providers } from './pages/providers.js';
import { Models } from './pages/models.js';
import { Routes } from './pages/routes.js';
import { Tenants } from './pages/tenants.js';
import { Prices } from './pages/prices.js';
import { Connect } from './pages/connect.js';
import { Playground } from './pages/playground.js';
import { Lab } from './pages/lab.js';
import { Settings } from './pages/settings.js';
import { Revisions } from './pages/revisions.js';
import { Users } from './pages/users.js';
import { Audit } from './pages/audit.js';

// [address, name, page, group]
const pages = [
	['dashboard', 'Dashboard', Dashboard, 'Watch'],
	['live', 'Live', Live, 'Watch'],
	['logs', 'Request log', Logs, 'Watch'],
	['keys', 'Keys', Keys, 'Configure'],
	['providers', 'Providers', Providers, 'Configure'],
	['models', 'Models', Models, 'Configure'],
	['routes', 'Routes', Routes, 'Configure'],
	['tenants', 'Tenants', Tenants, 'Configure'],
	['prices', 'Prices', Prices, 'Configure'],
	['connect', 'Connect', Connect, 'Try'],
	['playground', 'Playground', Playground, 'Try', 'admin'],
	['lab', 'Translation lab', Lab, 'Try'],
	['settings', 'Settings', Settings, 'Configure'],
	['revisions', 'Revisions', Revisions, 'Administration'],
	['users', 'Users', Users, 'Administration', 'admin'],
	['audit', 'Audit', Audit, 'Administration'],
];

function setTheme(v) {
	if (v === 'system') {
		delete document.documentElement.dataset.theme;
		try {
			localStorage.removeItem('theme');
		} catch (e) { /* as before */ }
	} else {
		document.documentElement.dataset.theme = v;
		remember('theme', v);
	}
}

function Looks({ again }) {
	const [theme, set] = useState(document.documentElement.dataset.theme || 'system');
	return html`<${Segment} label=${t('Language')} value=${lang()} options=${[['en', 'EN'], ['zh', '中文']]}
			onChange=${(l) => { setLang(l); again(); }} />
		<${Segment} label=${t('Theme')} value=${theme} options=${[['system', '◐'], ['light', '☀'], ['dark', '☾']]}
			onChange=${(v) => { setTheme(v); set(v); }} />`;
}

function Login({ setup, onUser, again }) {
	const form = useForm();
	const [name, setName] = useState('');
	const [password, setPassword] = useState('');
	const [token, setToken] = useState(setup ? (location.hash.match(/^#setup=(\w+)$/) || [])[1] || '' : '');
	const submit = async (e) => {
		e.preventDefault();
		const r = await form.run(() => (setup ? api('POST', '/setup', { token, name, password }, { quiet: true }) :
		    api('POST', '/session', { name, password }, { quiet: true })));
		if (r) {
			if (setup)
				go('dashboard', {}, true);
			onUser(r.user);
		}
	};
	return html`<main class="login"><${Panel}>
		<div class="brand"><img src="ui/icon.svg" alt="" />proxyd</div>
		<h1>${setup ? t('Set up the first administrator') : t('Log in')}</h1>
		${setup && html`<p class="dim">${t('The link that proxyctl start and proxyctl status show fills in the token.')}</p>`}
		<form onSubmit=${submit}>
			${setup && html`<${Field} label=${t('Set-up token')} value=${token} onInput=${setToken} required
				autocomplete="off" error=${form.fieldError('token')} />`}
			<${Field} label=${t('Name')} value=${name} onInput=${setName} required autocomplete="username"
				autofocus error=${form.fieldError('name')} />
			<${Field} label=${t('Password')} type="password" value=${password} onInput=${setPassword} required
				autocomplete=${setup ? 'new-password' : 'current-password'}
				hint=${setup ? t('10 characters or more.') : undefined} error=${form.fieldError('password')} />
			${form.general && html`<${Failure} error=${form.general} />`}
			<div class="actions"><button class="primary" disabled=${form.busy}>${setup ? t('Set up') : t('Log in')}</button></div>
		</form>
		<div class="bar"><${Looks} again=${again} /></div>
	</${Panel}></main>`;
}

// The light in the corner: is proxyd there, and is this page in touch?
function Health({ figures, state }) {
	const p = figures && figures.proxyd;
	const [kind, text] = state === 'waiting' && !figures ? ['', t('connecting …')] :
	    state === 'waiting' ? ['bad', t('management server gone')] :
	    !p || !p.running ? ['bad', t('proxyd is not running')] :
	    p.warnings && p.warnings.length ? ['warn', t('running, with warnings')] : ['good', t('running')];
	return html`<span role="status"><span class=${`light ${kind}`}></span> <span class="dim">${text}</span></span>`;
}

function Frame({ user, onOut, again }) {
	const at = useHash();
	const [figures, setFigures] = useState(null);
	const [open, setOpen] = useState(false);
	const state = useEvents('/live', { figures: setFigures });
	const mine = pages.filter((p) => !p[4] || p[4] === user.role);
	const page = mine.find((p) => p[0] === at.path) || mine[0];
	const groups = [...new Set(mine.map((p) => p[3]))];
	useEffect(() => {
		setOpen(false);
		document.title = `${t(page[1])} · proxyd`;
	}, [page[0], lang()]);
	const out = async () => {
		try {
			await api('DELETE', '/session', undefined, { quiet: true });
		} finally {
			onOut();
		}
	};
	return html`<div class="shell">
		<nav class=${`side ${open ? 'open' : ''}`} aria-label=${t('Pages')}>
			<div class="brand"><img src="ui/icon.svg" alt="" />proxyd</div>
			${groups.map((g) => html`<div class="group">${t(g)}</div>
				${mine.filter((p) => p[3] === g).map((p) => html`<a href=${`#/${p[0]}`} key=${p[0]}
					aria-current=${p === page ? 'page' : undefined} onClick=${() => setOpen(false)}>${t(p[1])}</a>`)}`)}
			<div class="foot">${figures && figures.proxyd && figures.proxyd.version ? `proxyd ${figures.proxyd.version} · ` : ''}<a href="docs">API</a></div>
		</nav>
		<div class="main">
			<header class="top">
				<button class="menu" aria-expanded=${open} onClick=${() => setOpen(!open)}>☰<span class="sr">${t('Pages')}</span></button>
				<h1>${t(page[1])}</h1><span class="grow"></span>
				<${Health} figures=${figures} state=${state} />
				<${Looks} again=${again} />
				<span class="dim hide-small">${user.name}</span>
				<button class="small" onClick=${out}>${t('Log out')}</button>
			</header>
			${state === 'waiting' && figures && html`<div class="banner" role="alert">${t('The management server does not answer; this page goes on by itself when it is back.')}</div>`}
			${figures && figures.proxyd && figures.proxyd.running === false && html`<div class="banner warn" role="alert">${t('proxyd is not running: “proxyctl start” starts it. What is shown here was kept.')}</div>`}
			<main id="page" tabindex="-1"><${page[2]} query=${at.query} user=${user} figures=${figures} key=${page[0] + lang()} /></main>
		</div></div>`;
}

function App() {
	const [session, set] = useState(null);
	const [error, setError] = useState(null);
	const [, again] = useState(0);
	const refresh = () => again((n) => n + 1);
	const load = async () => {
		try {
			const s = await get('/session', { quiet: true });
			setCsrf(s.user && s.user.csrf);
			set(s);
			setError(null);
		} catch (e) {
			setError(e);
			setTimeout(load, 3000);
		}
	};
	useEffect(() => {
		load();
		return onLoggedOut(load);
	}, []);
	const onUser = (user) => { setCsrf(user.csrf); set({ user, setup_needed: false }); };
	if (error && !session)
		return html`<main class="login"><${Failure} error=${error} again=${load} /></main>`;
	if (!session)
		return html`<main class="login dim" aria-busy="true">${t('Loading')} …</main>`;
	return html`${session.user ? html`<${Frame} user=${session.user} again=${refresh} onOut=${load} />` :
		html`<${Login} setup=${session.setup_needed} onUser=${onUser} again=${refresh} />`}<${Toasts} />`;
}

render(html`<${App} />`, document.getElementById('app'));
