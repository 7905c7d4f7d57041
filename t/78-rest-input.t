#!/usr/bin/perl

# Input that is refused, by the member that is wrong; and event streams, which
# end with the session or token of who watches.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Test::More;

my $g = Gateway->new(config => "WORKERS: 1\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;

sub api {
	my ($method, $path, $body, %h) = @_;
	return $ad->call($method => "/api/v1/$path", $body, %h);
}

subtest 'members' => sub {
	my $nul = "a\0b";
	my @wrong = ([ POST => 'tenants', { name => $nul }, 'name' ],
	    [ POST => 'tenants', { name => 'a', models => [ $nul ] },
	    'models' ], [ POST => 'users', { name => 'u', password =>
	    "long enough\0", role => 'viewer' }, 'password' ],
	    [ PATCH => 'settings', { LOG_DAYS => "5\0" }, 'LOG_DAYS' ],
	    [ POST => 'models', { route_key => $nul }, 'route_key' ],
	    [ POST => 'dry-run', { body => { model => $nul } }, 'body' ],
	    (map { [ PUT => 'prices', { model => 'm', input => 1, output =>
	    1, %$_ }, keys %$_ ] } { provider => "a\nb" }, { model =>
	    "m\x01" }, { date => 'x' x 33 }, { date => "\n" }, { source =>
	    "\e[1m" }),
	    (map { [ POST => 'rules/order', { ids => $_ }, 'ids' ] } [ 1 ],
	    [ 'x' ], [ [] ], {}, 'x', undef));
	for (@wrong) {
		my ($method, $path, $body, $field) = @$_;
		my $r = api($method, $path, $body);
		like($r->{status}, qr/^4(?:09|22)$/, "$path: $field")
		    or diag $r->{body};
		is($r->{json}{field}, $field, '... is named');
	}
	is_deeply([ grep { !$_->{builtin} } @{ api(GET => 'prices')->{json}
	    {prices} } ], [], 'nothing was kept');
};

subtest 'queries' => sub {
	for (['logs?modle=x', 'modle'], ['logs/export?format=csv&x', 'x'],
	    ['logs/follow?filter=1', 'filter'], ['stats?points=maybe',
	    'points'], ['stats?form=1', 'form'], ['audit?page=2', 'page'],
	    ['revisions?after=1', 'after'], ['budgets?min=80', 'min'],
	    ['users?limits=5', 'limits'], ['tenants?x=1', 'x']) {
		my ($path, $field) = @$_;
		my $r = api(GET => $path);
		is($r->{status}, 400, $path);
		is($r->{json}{field}, $field, '... is named');
		unlike($r->{headers}{'content-type'}, qr/csv/, 'a problem');
	}
	is(api(GET => $_)->{status}, 200, $_) for 'logs?model=x&&limit=5',
	    'stats?points=true', 'audit?', 'budgets?percent=80';
	my $r = api(POST => 'tenants', 'x' x 1_200_000);
	is($r->{status}, 413, 'too large');
	is($r->{json}{status}, 413, '... is a problem, too');
	$r = api(GET => 'tenants', undef, Host => 'evil.example');
	is($r->{status}, 403, 'for another host');
	is($r->{headers}{'content-type'}, 'application/problem+json',
	    '... as well');
};

subtest 'types of content' => sub {
	for ('application/jsonx', 'application/json-patch+json', 'text/json',
	    'application/jso', '') {
		is(api(POST => 'tenants', '{"name":"t"}', 'Content-Type' => $_)
		    ->{status}, 415, "'$_' is none");
	}
	for ('application/json; charset=utf-8', 'Application/JSON',
	    'application/json ;a=b') {
		is(api(POST => 'tenants', '{"name":1}', 'Content-Type' => $_)
		    ->{status}, 422, "'$_' is one");
	}
};

subtest 'streams end with who watches' => sub {
	my $watch = sub {
		my ($path, %h) = @_;
		my $c = Client->new($ad->port);
		$c->request(GET => "/api/v1/$path", \%h);
		ok($c->until_match(qr/retry: \d+/), 'watches');
		return $c;
	};
	my $boss = { %{ $ad->{session} } };
	my $mine = $watch->('live', Cookie => $boss->{cookie});
	my $t = api(POST => 'tokens', { name => 't', role => 'viewer' })
	    ->{json};
	my $u = api(POST => 'users', { name => 'eye', password =>
	    'long enough', role => 'viewer' })->{json};
	my @gone = $watch->('live', Authorization => "Bearer $t->{token}");
	$ad->log_in('eye', 'long enough');
	push @gone, $watch->($_, Cookie => $ad->{session}{cookie})
	    for qw(live logs/follow);
	$ad->log_in('eye', 'long enough');
	push @gone, $watch->('logs/follow', Cookie => $ad->{session}{cookie});
	is(api(DELETE => 'session')->{status}, 204, 'one logs out');
	$ad->{session} = $boss;
	is(api(PATCH => "users/$u->{id}", { enabled => JSON::PP::false })
	    ->{status}, 204, 'one may not log in any more');
	is(api(DELETE => "tokens/$t->{id}")->{status}, 204, 'a token goes');
	for my $c (@gone) {
		$c->{deadline} = time + 15;
		ok($c->until_match(qr/\r\n0\r\n\r\n$/), 'its stream ends');
	}
	$mine->{deadline} = undef;
	ok($mine->until_match(qr/(?:event: figures.*){5}/s),
	    'that of others goes on');
};
$ad->finish;
$g->finish;
done_testing;
