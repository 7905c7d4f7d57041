// The page of /docs: Swagger UI over this server's own /openapi.json.
'use strict';

// A session's writes want its CSRF token; asked for once it is needed.
let csrf;

async function csrfToken() {
	if (csrf === undefined) {
		const r = await fetch('api/v1/session');
		const said = r.ok ? await r.json() : {};

		csrf = said.user ? said.user.csrf : null;
	}
	return csrf;
}

async function requestInterceptor(rq) {
	const url = new URL(rq.url, document.baseURI);

	if (url.origin !== location.origin ||
	    !url.pathname.includes('/api/v1/') || rq.method === 'GET' ||
	    rq.headers.Authorization)
		return rq;
	const token = await csrfToken();
	if (token)
		rq.headers['X-CSRF-Token'] = token;
	return rq;
}

// Another user may have logged in by what was tried out.
function responseInterceptor(r) {
	if (/\/api\/v1\/(session|setup)$/.test(new URL(r.url,
	    document.baseURI).pathname))
		csrf = undefined;
	return r;
}

window.ui = SwaggerUIBundle({
	url: 'openapi.json',
	dom_id: '#docs',
	deepLinking: true,
	docExpansion: 'list',
	defaultModelsExpandDepth: 0,
	displayRequestDuration: true,
	tryItOutEnabled: true,
	validatorUrl: null,
	queryConfigEnabled: false,
	requestInterceptor,
	responseInterceptor,
});

// Swagger UI leaves its fields without names for those who do not see them.
function nameOf(field) {
	const row = field.closest('tr[data-param-name]');

	if (row)
		return row.dataset.paramName;
	if (field.id === 'servers')
		return 'Server';
	if (field.classList.contains('body-param__text'))
		return 'Body of the request';
	if (field.classList.contains('examples-select-element'))
		return 'Example';
	return field.title || field.placeholder || 'Content type';
}

new MutationObserver(() => {
	for (const field of document.querySelectorAll(
	    'textarea:not([aria-label]), select:not([aria-label]), ' +
	    'input:not([aria-label])'))
		field.setAttribute('aria-label', nameOf(field));
	for (const text of document.querySelectorAll('pre:not([tabindex])'))
		text.tabIndex = 0;
}).observe(document.getElementById('docs'), { childList: true, subtree: true });
