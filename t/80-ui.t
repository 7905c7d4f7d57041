#!/usr/bin/perl

# The web UI in a real browser (t/ui/run.mjs): set-up, every page in both
# languages and themes, on a phone, by keyboard, with hostile text, with 100,000
# rows, while the servers go and come; axe; nothing from elsewhere.  Screenshots
# are left in build/screens.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use File::Basename qw(dirname);
use Gateway;
use IPC::Open2;
use JSON::PP;
use Npm qw(npm_missing npm_install);
use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $build = dirname($ENV{BUILDDIR} // 'build/opt');
my ($chromium) = grep { -x } qw(/usr/bin/chromium /usr/bin/chromium-browser);
plan skip_all => 'chromium is not installed' unless $chromium;
if (my $why = npm_missing(18) // npm_install('t/ui', "$build/ui-test")) {
	plan skip_all => $why;
}

my $g = Gateway->new(config => "LOG_BODIES: all\nAPI_KEY_POOLS:\n" .
    "  openai: [sk-browser-test-0001, sk-browser-test-0002]\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
my $evil = '<img src=x onerror=window.hacked=1><script>hacked=1</script>';
my $n = 0;

sub ask {
	my ($model, $text) = @_;
	$n++;
	Client->new($g->port)->request(POST => '/v1/messages', {}, {
	    model => $model, max_tokens => 20, top_k => 4, messages => [{
	    role => 'user', content => $text }] })->response or die;
}

ask('mock-echo', "hello $_") for 1 .. 30;
ask('mock-500', 'fails') for 1 .. 4;
ask("mock-$evil", $evil);
ask('mock-echo', $evil);
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} == $n });

my %do = (
	rows => sub {
		# Copies of the rows that are there, each a second older.
		system('sqlite3', '-cmd', '.timeout 10000',
		    "$g->{home}/proxyd.db", do {
			my ($c) = $g->sql("SELECT group_concat(name) AS c FROM
			    pragma_table_info('requests') WHERE name NOT IN
			    ('id', 'time_us', 'request_id')");
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT
			 i + 1 FROM n WHERE i < 100000) INSERT INTO requests
			 (time_us, request_id, $c->{c}) SELECT r.time_us - i *
			 1000000, 'req_copy' || i, " . join(', ', map { "r.$_" }
			 split /,/, $c->{c}) . " FROM n JOIN requests r ON
			 r.id = 1 + i % 30;" }) == 0 or die 'sqlite3';
		$n += 100000;
	},
	'stop proxyd' => sub { $g->stop },
	'start proxyd' => sub { $g->start },
	'stop admind' => sub { $ad->finish },
	'start admind' => sub { $ad = Admind->new($g->{home},
	    file => $g->{file}, port => $ad->port) },
);

local %ENV = (%ENV, BASE => 'http://127.0.0.1:' . $ad->port, TOKEN =>
    $ad->setup_token, SCREENS => "$build/screens", CHROMIUM => $chromium);
system('cp', 't/ui/run.mjs', "$build/ui-test/") == 0 or die;
my $pid = open2(my $out, my $in, 'node', "$build/ui-test/run.mjs");
binmode $out, ':raw';
while (my $line = <$out>) {
	my $said = eval { JSON::PP->new->utf8->decode($line) };
	if (!$said) {
		diag $line;
	} elsif ($said->{please}) {
		$do{ $said->{please} }->();
		syswrite $in, "done\n";
	} else {
		ok($said->{ok}, $said->{name}) or diag $said->{note} // '';
	}
}
waitpid $pid, 0;
is($?, 0, 'the browser ran to its end');
my ($left) = $g->sql('SELECT count(*) AS n FROM requests');
$ad->finish;
$g->stop;
done_testing;
