// Before anything is painted: Swagger UI's own dark colours hang on a class.
// What was chosen in the web UI, where this is its server, goes first.
'use strict';

(function () {
	const system = matchMedia('(prefers-color-scheme: dark)');

	function apply() {
		let chosen = null;

		try {
			chosen = localStorage.getItem('theme');
		} catch (e) { /* not allowed: the system's choice */ }
		document.documentElement.classList.toggle('dark-mode',
		    chosen === 'dark' || (chosen !== 'light' && system.matches));
	}

	apply();
	system.addEventListener('change', apply);
	window.addEventListener('storage', apply);
})();
