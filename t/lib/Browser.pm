package Browser;

# Scripts in t/ui, run by node with Chromium against an Admind.  Each prints a
# JSON line a check; a line { please => NAME } asks for one of the acts given, or
# NAME and a text for it.

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Open2;
use JSON::PP;
use Npm qw(npm_missing npm_install);
use Test::More ();

our @EXPORT_OK = qw(browser_missing browser_run);

my $build = dirname($ENV{BUILDDIR} // 'build/opt');
my ($chromium) = grep { -x } qw(/usr/bin/chromium /usr/bin/chromium-browser);

# Why not; undef: it is all there.
sub browser_missing {
	return 'chromium is not installed' unless $chromium;
	return npm_missing(18) // npm_install('t/ui', "$build/ui-test");
}

sub browser_run {
	my ($script, $ad, %do) = @_;

	binmode Test::More->builder->$_, ':utf8'
	    for qw(output failure_output);
	local %ENV = (%ENV, BASE => 'http://127.0.0.1:' . $ad->port, TOKEN =>
	    $ad->setup_token, SCREENS => "$build/screens",
	    CHROMIUM => $chromium);
	system('cp', glob('t/ui/*.mjs'), "$build/ui-test/") == 0 or die;
	my $pid = open2(my $out, my $in, 'node', "$build/ui-test/$script");
	binmode $out, ':raw';
	while (my $line = <$out>) {
		my $said = eval { JSON::PP->new->utf8->decode($line) };
		if (!$said) {
			Test::More::diag($line);
		} elsif ($said->{please}) {
			my ($act, $rest) = exists $do{ $said->{please} } ?
			    ($said->{please}) : split / /, $said->{please}, 2;
			$do{$act}->($rest);
			syswrite $in, "done\n";
		} else {
			Test::More::ok($said->{ok}, $said->{name}) or
			    Test::More::diag($said->{note} // '');
		}
	}
	waitpid $pid, 0;
	Test::More::is($?, 0, 'the browser ran to its end');
}

1;
