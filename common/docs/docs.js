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
