// Before anything is painted, so that the page does not flash.
(function () {
	var t = null;
	try {
		t = localStorage.getItem('theme');
	} catch (e) { /* not allowed: the system's choice */ }
	if (t === 'light' || t === 'dark')
		document.documentElement.dataset.theme = t;
})();
