#!/usr/bin/perl

# /docs of both servers in a real browser (t/ui/docs.mjs): the page under its
# policy, nothing from elsewhere, and an operation tried out on each.

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

# proxyd, where an admind is asked for its port and its token.
package Api { sub new { bless { g => $_[1] } } sub port { $_[0]{g}->port }
    sub setup_token { '' } }

my $g = Gateway->new;
my $ad = Admind->new($g->{home});
browser_run('docs.mjs', Api->new($g));
browser_run('docs.mjs', $ad);
my ($row) = $g->sql("SELECT count(*) AS n FROM requests WHERE path =
    '/v1/chat/completions' AND status = 200");
is($row->{n}, 1, 'what was tried is in the log') if
    $g->wait_for(sub { ($row) = $g->sql("SELECT count(*) AS n FROM requests
    WHERE path = '/v1/chat/completions' AND status = 200"); $row->{n} });
$ad->finish;
$g->finish;
done_testing;
