#!/usr/bin/perl

# Pictures for the READMEs, of a gateway with a day of traffic: into doc/.  Run
# by "make screens", when the pages have changed.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Client;
use Gateway;
use Scripts;
use Test::More;
use Upstream;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $up = Upstream->new(sub { answer_for($_[0]) });
my $g = Gateway->new(config => config_for($up, <<'EOT'));
LOG_BODIES: all
MODELS:
  - {route_key: fast, target_model: gemini-2.5-flash, provider: gemini}
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
my $n = 0;

sub ask {
	my ($path, $model, %more) = @_;
	$n++;
	Client->once($g->port, POST => $path, { 'User-Agent' =>
	    'OpenAI/Python 2.8.1' }, JSON::PP->new->utf8->encode({ model =>
	    $model, messages => [{ role => 'user', content =>
	    'Say hello in French and Chinese.' }], %more }));
}

for my $i (1 .. 8) {
	ask('/v1/chat/completions', 'claude-sonnet-5', seed => 7) for 1 .. 3;
	ask('/v1/messages', 'gemini-2.5-pro', max_tokens => 200, stream =>
	    JSON::PP::true) for 1 .. 2;
	ask('/v1/chat/completions', 'gpt-4o-mini');
	ask('/v1/messages', 'fast', max_tokens => 200);
	ask('/v1/chat/completions', 'mock-429') if $i % 3 == 0;
}
ask('/v1/chat/completions', 'claude-sonnet-5', seed => 7, logit_bias => { 1 =>
    2 }, stream => JSON::PP::true);
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} == $n && !glob "$g->{home}/capture/*" });

# The day before is the last minutes again, now more, now less of them.
my @sums = qw(requests errors streams translated attempts input cache_read
    cache_write output reasoning cost unpriced total_us overhead_us);
system('sqlite3', '-cmd', '.timeout 10000', $g->db, 'WITH RECURSIVE k(i) AS
    (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 90) INSERT OR IGNORE INTO
    rollups SELECT period, dim, start_s - i * 3600, name, ' . join(', ', map {
    "$_ * (6 + (i * i * 31 + i * 17 + length(name)) % 13)" } @sums) . ', hist FROM
    rollups JOIN k WHERE period = 3600') == 0 or die 'sqlite3';
browser_run('screens.mjs', $ad);
$ad->finish;
$g->finish;

# 64 colours are enough, and a third of the size.
for my $file (glob('build/screens/readme-*.png')) {
	my ($name) = $file =~ m{readme-(.*)$};
	system('pngquant', '--force', '--strip', '--nofs', '--output',
	    "doc/$name", 64, $file) == 0 or die 'pngquant';
	ok(-s "doc/$name" < 60_000, "doc/$name: " . -s _);
}
done_testing;
