#!/usr/bin/perl

# The pages Revisions and Settings in a real browser (t/ui/rev.mjs): what was
# changed, undone, rolled back; export and import; settings with their errors.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Gateway;
use Test::More;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $g = Gateway->new(config => "LOG_DAYS: 20\nAPI_KEY_POOLS:\n" .
    "  openai: [sk-browser-test-0001]\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
my $sql = sub {
	system('sqlite3', '-cmd', '.timeout 5000', "$g->{home}/proxyd.db",
	    $_[0]) == 0 or die;
};

browser_run('rev.mjs', $ad,
	'conflict' => sub { $sql->("UPDATE tenants SET rpm = 99 WHERE
	    name = 'clash' AND gone_us = 0") },
	'merge' => sub { $sql->("UPDATE revisions SET since = 1, rows = 0,
	    action = 'merged', diff = '[]', changeset = x'', author = '' WHERE
	    n = 3; DELETE FROM revisions WHERE n < 3") },
	'stop admind' => sub { $ad->finish },
	'start admind' => sub { $ad = Admind->new($g->{home},
	    file => $g->{file}, port => $ad->port) });
$ad->finish;
$g->finish;
done_testing;
