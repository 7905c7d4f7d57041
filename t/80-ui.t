#!/usr/bin/perl

# The web UI in a real browser (t/ui/run.mjs): set-up, every page in both
# languages and themes, on a phone, by keyboard, with hostile text, with 100,000
# rows, while the servers go and come; axe; nothing from elsewhere.  Screenshots
# are left in build/screens.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Client;
use Gateway;
use Test::More;

if (my $why = browser_missing()) {
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
	ask => sub { ask($_, 'followed') for qw(mock-echo mock-tool) },
	'stop proxyd' => sub { $g->stop },
	'start proxyd' => sub { $g->start },
	'stop admind' => sub { $ad->finish },
	'start admind' => sub { $ad = Admind->new($g->{home},
	    file => $g->{file}, port => $ad->port) },
);

browser_run('run.mjs', $ad, %do);
$ad->finish;
$g->stop;
done_testing;
