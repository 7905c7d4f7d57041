// One text of one dialect in the other three, as it is typed.
import { html, useState, useEffect, useRef, api, t, copy, told } from '../lib.js';
import { Panel, Failure, Field, Segment, Badge, Empty } from '../parts.js';
import { Code, dialects, dialectName, pretty } from '../code.js';
import { samples } from '../samples.js';

const wait = 250;

// The newest answer; one that is overtaken is dropped.
function useConvert(job) {
	const [state, set] = useState({});
	const key = JSON.stringify(job);
	useEffect(() => {
		if (!job.text.trim()) {
			set({});
			return undefined;
		}
		const stop = new AbortController();
		const timer = setTimeout(async () => {
			try {
				set({ data: await api('POST', '/convert', job, { signal: stop.signal }) });
			} catch (error) {
				if (error.name !== 'AbortError')
					set({ error });
			}
		}, wait);
		return () => { clearTimeout(timer); stop.abort(); };
	}, [key]);
	return state;
}

const kindOf = (l) => (l.action === 'approximated' || l.action === 'ignored' ? '' : l.action === 'refused' ? 'bad' : 'warn');

export const Losses = ({ list, n }) => html`<ul class="losses">${list.filter((l) => l.path).map((l, i) => html`<li key=${i}>
	<${Badge} kind=${kindOf(l)}>${t(l.action)}</${Badge}> <span class="mono">${l.path}</span> <span class="dim">${told(l.why)}</span></li>`)}
	${n > list.length && html`<li class="dim">${t('and {n} more', { n: n - list.length })}</li>`}</ul>`;

function Result({ r, whole }) {
	const text = r.text === null ? '' : whole ? pretty(r.text) : r.text;
	return html`<${Panel} title=${dialectName(r.to)} right=${html`<${Badge} kind=${r.error ? 'bad' : r.losses ? 'warn' : 'good'}>${r.error ? t('error') :
			r.losses ? t('{n} lost or changed', { n: r.losses }) : t('nothing lost')}</${Badge}>
		<button class="small" disabled=${!text} onClick=${() => copy(text)}>${t('Copy')}<span class="sr"> ${dialectName(r.to)}</span></button>`}>
		${r.error && html`<div class="banner" role="alert">${r.error.param && html`<span class="mono">${r.error.param}</span>`} ${told(r.error.message)}</div>`}
		${r.path && html`<p class="mono dim">POST ${r.path}</p>`}
		${r.loss.length > 0 && html`<${Losses} list=${r.loss} n=${r.losses} />`}
		${text && html`<${Code} text=${text} label=${dialectName(r.to)} />`}</${Panel}>`;
}

export function Lab() {
	const [from, setFrom] = useState('anthropic');
	const [kind, setKind] = useState('request');
	const [text, setText] = useState(samples.anthropic.request);
	const [model, setModel] = useState('');
	const [stream, setStream] = useState(false);
	const area = useRef();
	const needs = from === 'gemini' && kind === 'request' && !model;
	const { data, error } = useConvert({ kind, from, text, stream, model: needs ? 'gemini-3-pro' : model });
	const sample = (f, k) => { setFrom(f); setKind(k); setText(samples[f][k]); };
	// An untouched sample follows the choice; what was typed stays.
	const untouched = text === samples[from][kind] || !text.trim();
	const pick = (f, k) => { if (untouched) sample(f, k); else { setFrom(f); setKind(k); } };
	const bad = data && data.error;
	const show = () => {
		const at = area.current.value.split('\n').slice(0, bad.line - 1).reduce((n, l) => n + l.length + 1, 0) + [...area.current.value.split('\n')[bad.line - 1] || ''].slice(0, bad.column - 1).join('').length;
		area.current.focus();
		area.current.setSelectionRange(at, at + 1);
	};
	return html`<p class="dim">${t('Nothing is sent to a provider: this is the same translation that the gateway does.')}</p>
	<div class="bar"><${Segment} label=${t('Dialect')} value=${from} onChange=${(v) => pick(v, kind)} options=${dialects} />
		<${Segment} label=${t('What it is')} value=${kind} onChange=${(v) => pick(from, v)}
			options=${[['request', t('Request')], ['response', t('Answer')], ['stream', t('Stream')]]} /></div>
	<div class="grid two lab">
		<${Panel} title=${dialectName(from)} right=${html`<button class="small" onClick=${() => sample(from, kind)}>${t('Sample')}</button>
			<button class="small" onClick=${() => setText(pretty(text))} disabled=${kind === 'stream'}>${t('Indent')}</button>
			<button class="small" onClick=${() => setText('')}>${t('Empty it')}</button>`}>
			<textarea ref=${area} class="tall" spellcheck=${false} aria-label=${t('Text to translate')} aria-invalid=${bad ? 'true' : undefined}
				aria-describedby=${bad ? 'lab-bad' : undefined} value=${text} onInput=${(e) => setText(e.target.value)}></textarea>
			${bad && html`<div class="banner" role="alert" id="lab-bad">${bad.line ? t('Line {line}, column {column}: {what}', { line: bad.line, column: bad.column, what: told(bad.message) }) : told(bad.message)}
				${bad.line && html` <button class="small" onClick=${show}>${t('Go there')}</button>`}</div>`}
			${error && html`<${Failure} error=${error} />`}
			<div class="fields">${kind === 'request' && html`<${Field} label=${t('Model')} value=${model} onInput=${setModel} placeholder=${from === 'gemini' ? 'gemini-3-pro' : t('as in the request')} />`}
				<${Field} label=${kind === 'request' ? t('ask for a stream') : t('as a stream')} type="checkbox" value=${stream} onInput=${setStream} /></div>
		</${Panel}>
		${data && data.results.length > 0 ? data.results.map((r) => html`<${Result} key=${r.to} r=${r} whole=${kind === 'request' || !stream} />`) :
			html`<${Panel}><${Empty}>${bad ? t('Once it is well-formed, the others are here.') : t('Paste a text, or take the sample.')}</${Empty}></${Panel}>`}
	</div>`;
}
