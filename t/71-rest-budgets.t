#!/usr/bin/perl

# What tenants and client keys have spent of their budgets, as the dashboard
# tells what is nearly spent: by requests that cost a known price.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use POSIX qw(strftime);
use Test::More;
use Upstream;

my $up = Upstream->new(sub {
	return [reply => 200, { 'Content-Type' => 'application/json' },
	    encode_json({ id => 'c', object => 'chat.completion', created => 1,
	    model => 'm', choices => [ { index => 0, message => { role =>
	    'assistant', content => 'fine' }, finish_reason => 'stop' } ],
	    usage => { prompt_tokens => 900, completion_tokens => 600,
	    total_tokens => 1500 } })];
});
my $g = Gateway->new(config => "WORKERS: 1\nPROVIDERS:\n  up: { dialect: " .
    'openai-chat, base_url: ' . $up->base . ", keyless: true }\nMODELS:\n" .
    "  - {route_key: m, target_model: m, provider: up}\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;

sub api {
	my ($method, $path, $body) = @_;
	my $r = $ad->call($method => "/api/v1/$path", $body);
	return $r;
}

sub budgets {
	my ($query) = @_;
	my $r = api(GET => 'budgets' . ($query // ''));
	is($r->{status}, 200, 'budgets') or diag $r->{body};
	return map { ("$_->{kind} $_->{name} $_->{period}" => $_) }
	    @{ $r->{json}{budgets} };
}

# $0.15 a request: by 1500 tokens.
api(PUT => 'prices', { provider => 'up', model => 'm', input => 100,
    output => 100 });
my $tenant = api(POST => 'tenants', { name => 'team', budget_month => 0.16,
    budget_total => 100 })->{json}{id};
my $key = api(POST => 'client-keys', { name => 'alice', tenant_id => $tenant,
    budget_day => 0.2 })->{json};
api(POST => 'client-keys', { name => 'free' });
api(POST => 'client-keys', { name => 'none', budget_total => 0 });

my %b = budgets();
is_deeply([ sort keys %b ], [ 'client_key alice day', 'client_key none total',
    'tenant team month', 'tenant team total' ], 'each that there is');
is($b{'tenant team month'}{spent}, 0, 'nothing is spent');
is($b{'tenant team month'}{share}, 0, '... of it');
is($b{'client_key none total'}{share}, 1, 'nothing is all of nothing');
is($b{'tenant team month'}{id}, $tenant, 'whose it is');

ok($g->known, 'known');
my $r = Client->once($g->port, POST => '/v1/chat/completions', { Authorization
    => "Bearer $key->{key}" }, { model => 'm', max_tokens => 5, messages => [ {
    role => 'user', content => 'x' } ] });
is($r->{status}, 200, 'a request') or diag $r->{body};
ok($g->wait_for(sub { my ($n) = $g->sql('SELECT count(*) AS n FROM requests');
    $n->{n} == 1 }), 'is in the log');
%b = budgets();
cmp_ok(abs($b{$_}{spent} - 0.15), '<', 1e-9, "$_: spent") for
    'client_key alice day', 'tenant team month', 'tenant team total';
cmp_ok(abs($b{'tenant team month'}{share} - 0.9375), '<', 1e-9, 'its share');
is($b{'tenant team month'}{limit}, 0.16, 'its limit');
my $ctl = Ctl->new($g->{home});
is_deeply($ctl->json('proxyctl', qw(stats budgets)), [ @b{'tenant team month',
    'tenant team total', 'client_key alice day', 'client_key none total'} ],
    'has the same') or diag explain \%b;
like($ctl->does('as a table', qw(stats budgets)),
    qr/^tenant +team +month +0\.15 +0\.16 +94% +\d{4}-\d\d-01$/m, 'in a line');
my $now = time;
is($b{'client_key alice day'}{ends}, strftime('%Y-%m-%dT00:00:00', gmtime
    $now - $now % 86400 + 86400) . '.000Z', 'the day ends')
    or diag $b{'client_key alice day'}{ends};
like($b{'tenant team month'}{ends}, qr/^\d{4}-\d\d-01T00:00:00/,
    'so does the month');
is($b{'tenant team total'}{ends}, undef, 'all of it never');

%b = budgets('?percent=80');
is_deeply([ sort keys %b ], [ 'client_key none total', 'tenant team month' ],
    'what is nearly spent');
is_deeply({ budgets('?percent=101') }, {}, 'nothing is over');
for ('x', -1, '1e3') {
	$r = api(GET => "budgets?percent=$_");
	is($r->{status}, 400, "$_ percent");
	is($r->{json}{field}, 'percent', '... is named');
}
api(DELETE => "tenants/$tenant");
is_deeply([ keys %{{ budgets() }} ], [ 'client_key none total' ],
    'who is gone has none');
$ad->finish;
$g->finish;
done_testing;
