// English text is the key; what has no translation is shown as it is.
import { zh } from './zh.js';

let current = 'en';
try {
	current = localStorage.getItem('lang') ||
	    ((navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en');
} catch (e) {
	current = (navigator.language || 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

// What has no translation yet; a test looks at it.
const missing = new Set();
window.untranslated = missing;

export const lang = () => current;

export function setLang(l) {
	current = l;
	try {
		localStorage.setItem('lang', l);
	} catch (e) { /* not allowed: only for now */ }
	document.documentElement.lang = l === 'zh' ? 'zh-CN' : 'en';
}

// t('{n} requests', { n: 3 }); of 1 it is one request.
export function t(text, values) {
	let s = text;
	if (current === 'zh') {
		if (!zh[text])
			missing.add(text);
		s = zh[text] || text;
	}
	if (values)
		for (const [k, v] of Object.entries(values)) {
			if (current === 'en' && String(v) === '1')
				s = s.replaceAll(new RegExp(`(\\{${k}\\} [a-z]+[^s\\W])s\\b`, 'g'), '$1');
			s = s.replaceAll(`{${k}}`, () => v);
		}
	return s;
}

setLang(current);
