#!/usr/bin/perl

# REST of models, rules, pools, keys and providers: each made, read, changed and
# deleted; ETags; keys whose value nobody reads; order of rules; the dry run; and
# wrong input that changes nothing.

use strict;
use warnings;
use utf8;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub { answer_for($_[0]) });
my $base = $up->base;
my $g = Gateway->new(config => <<"EOT");
PROVIDERS:
  filed: { dialect: openai-chat, base_url: "$base/v1", keys: [sk-of-the-file-01] }
MODELS:
  - { route_key: filed-model, target_model: gpt-x, provider: filed }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up('boss');

sub api {
	my ($method, $path, $body, %h) = @_;
	return $ad->call($method => "/api/v1/$path", $body, %h);
}

sub made {
	my ($kind, $body) = @_;
	my $r = api(POST => $kind, $body);
	is($r->{status}, 200, "$kind: made") or diag $r->{body};
	return $r->{json};
}

sub list { @{ api(GET => $_[0])->{json}{ $_[0] } } }

my $p = made(providers => { name => 'web', dialect => 'anthropic',
    base_url => $base });
my $k = made(keys => { provider => 'web', api_key => 'sk-secret-value-0001',
    note => "<b>'\"" });
my $pool = made(pools => { name => 'few', provider => 'web',
    keys => [ $k->{id} ] });
my $m = made(models => { route_key => 'alias', target_model =>
    'claude-opus-5', provider => 'web' });
my $r1 = made(rules => { name => 'first', match => { model => ['r-*'] },
    targets => [ { provider => 'web', model => 'claude-opus-5', pool =>
    'few' } ] });
my $r2 = made(rules => { name => 'second', match => {
    model => ['other*'] }, targets => [ {
    provider => 'filed', model => 'gpt-x' } ] });

subtest 'names that are served' => sub {
	ok($g->known, 'the workers know them');
	my $r = api(GET => 'served-models');
	my $rows = sub { ($g->sql('SELECT count(*) AS n FROM requests'))[0]
	    {n} };
	my $before = $rows->();
	is($r->{status}, 200, 'told');
	my $theirs = Client->once($g->port, GET => '/v1/models');
	is_deeply($r->{json}, JSON::PP->new->decode($theirs->{body}),
	    'as to a client');
	ok((grep { $_->{id} eq 'alias' && $_->{owned_by} eq 'web' }
	    @{ $r->{json}{data} }), '... the new one with them');
	$g->settled;
	is($rows->(), $before + 1, 'and only the client has a row for it');
};

subtest 'read' => sub {
	my %made = (providers => $p, keys => $k, pools => $pool,
	    models => $m, rules => $r1);
	for my $kind (sort keys %made) {
		my $o = $made{$kind};
		my $r = api(GET => "$kind/$o->{id}");
		is($r->{status}, 200, "$kind: one");
		is($r->{headers}{etag}, $o->{etag}, '... with its ETag');
		my ($in) = grep { $_->{id} == $o->{id} } list($kind);
		delete $_->{live} for $in, $r->{json};
		is_deeply($in, $r->{json}, '... as in the list');
		is(api(GET => "$kind/99999")->{status}, 404, '... or none');
	}
	ok(!grep({ api(GET => $_)->{body} =~ /secret-value|of-the-file/ }
	    qw(keys providers pools)), "no key's value is read");
	my ($live) = map { $_->{live} } grep { $_->{id} == $k->{id} }
	    list('keys');
	is($live->{state}, 'active', 'how a key does');
	is($live->{ok}, 0, 'what it has done');
};

ok($g->known, 'the workers know it');
my $r = Client->once($g->port, POST => '/v1/messages', {}, { model => 'alias',
    max_tokens => 9, messages => [ { role => 'user', content => 'x' } ] });
is($r->{status}, 200, 'a request by what was made') or diag $r->{body};
my ($sent) = grep { $_->{event} eq 'request' } $up->requests;
is($sent->{headers}{'x-api-key'}, 'sk-secret-value-0001', 'with the key');

subtest 'changed' => sub {
	my $r = api(PATCH => "models/$m->{id}", { enabled => \0 });
	is($r->{status}, 200, 'a model') or diag $r->{body};
	ok(!$r->{json}{enabled}, '... is as it was told');
	is($r->{json}{target_model}, 'claude-opus-5', '... and else as it was');
	$r = api(PATCH => "models/$m->{id}", { enabled => \1 },
	    'If-Match' => $m->{etag});
	is($r->{status}, 412, 'who has seen another one is told');
	like($r->{json}{detail}, qr/changed meanwhile/, '... so');
	$r = api(DELETE => "models/$m->{id}", undef, 'If-Match' => '"x"');
	is($r->{status}, 412, '... also where it would go');
	my $now = api(GET => "models/$m->{id}")->{json}{etag};
	$r = api(PATCH => "models/$m->{id}", { enabled => \1 },
	    'If-Match' => $now);
	is($r->{status}, 200, 'who has seen this one changes it');
	is($r->{json}{etag}, $m->{etag}, 'and it is what it was');
	$r = api(PATCH => "keys/$k->{id}", { api_key => 'sk-new-value-000002' });
	ok($r->{status} != 200 || $r->{body} !~ /new-value/,
	    'a value never comes back');
};

subtest 'many keys' => sub {
	my $r = api(POST => 'keys', { provider => 'web', values =>
	    "sk-pasted-value-001\n\n  sk-pasted-value-002 \n" .
	    "sk-secret-value-0001\nsk-pasted-value-003" });
	is($r->{status}, 200, 'pasted') or diag $r->{body};
	is(scalar @{ $r->{json}{keys} }, 3, 'three of them');
	is($r->{json}{errors}[0]{line}, 4, 'the one that is there is named');
	unlike($r->{body}, qr/pasted-value/, 'none is told');
	is($g->known && scalar(grep { $_->{provider} eq 'web' }
	    list('keys')), 4, 'four in all');
	my $n = $r->{headers}{revision};
	is(scalar @{ api(GET => "revisions/$n")->{json}{diff} }, 3,
	    'they are one revision');
	$r = api(POST => 'keys', { provider => 'web', values => join "\n", map {
	    "sk-too-many-$_" } 1 .. 1025 });
	is($r->{status}, 422, 'too many');
	is($r->{json}{field}, 'values', '... is told');
	is(scalar(grep { $_->{provider} eq 'web' } list('keys')), 4,
	    '... and none is added');
	is(api(POST => "keys/$k->{id}/reset")->{status}, 204, 'reset');
	is(api(POST => 'keys/99999/reset')->{status}, 404, 'none to reset');
};

subtest 'order of rules' => sub {
	my @ids = map { $_->{id} } list('rules');
	is_deeply(\@ids, [ $r1->{id}, $r2->{id} ], 'as they were made');
	is(api(POST => 'rules/order', { ids => [ reverse @ids ] })->{status},
	    204, 'turned');
	is_deeply([ map { $_->{id} } list('rules') ], [ reverse @ids ],
	    'around');
	for ([ $ids[0] ], [ @ids, 99 ], [ @ids, $ids[0] ], 'x', [ 'x' ]) {
		my $r = api(POST => 'rules/order', { ids => $_ });
		like($r->{status}, qr/^4(?:09|22)$/,
		    'not all of them, each once');
	}
	is_deeply([ map { $_->{id} } list('rules') ], [ reverse @ids ],
	    'nothing has moved');
	api(POST => 'rules/order', { ids => \@ids });
};

subtest 'dry run' => sub {
	ok($g->known, 'known');
	my %body = (model => 'r-x', messages => [ { role => 'user',
	    content => 'hi' } ]);
	my $r = api(POST => 'dry-run', { body => \%body });
	is($r->{status}, 200, 'a request that is not sent') or diag $r->{body};
	is($r->{json}{targets}[0]{provider}, 'web', 'where it would go');
	is($r->{json}{rules}[0]{rule}, 'first', 'by which rule');
	$r = api(POST => 'dry-run', { dialect => 'anthropic', body => { %body,
	    model => 'other', max_tokens => 9 } });
	is($r->{json}{targets}[0]{provider}, 'filed', 'or by the other');
	like($r->{body}, qr/"model"/, 'and why not by the first');
	for ([ { body => 7 }, 'body' ], [ { dialect => 'klingon', body =>
	    \%body }, 'dialect' ], [ { body => \%body, headers => [] },
	    'headers' ], [ { body => \%body, what => 1 }, 'what' ]) {
		$r = api(POST => 'dry-run', $_->[0]);
		is($r->{status}, 422, "$_->[1]: wrong");
		is($r->{json}{field}, $_->[1], '... and named');
	}
	is(api(POST => 'dry-run', { body => { messages => 5 } })->{status}, 422,
	    'a body that is no request');
};

subtest 'wrong input' => sub {
	my $dump = sub { join "\n", map { api(GET => $_)->{body} =~
	    s/"live".*?\}//gr } qw(models rules pools providers) };
	my $before = $dump->();
	for ([ models => {}, 'route_key' ], [ models => { route_key => '',
	    target_model => 'x', provider => 'web' }, 'route_key' ],
	    [ models => { route_key => 'z', target_model => 'x', provider =>
	    'nobody' }, 'provider' ], [ models => { route_key => 'z',
	    target_model => 'x', provider => 'web', enabled => 'maybe' },
	    'enabled' ], [ models => { route_key => 'z', target_model => 'x',
	    provider => 'web', colour => 1 }, 'colour' ],
	    [ providers => { name => 'y', dialect => 'smoke' }, 'dialect' ],
	    [ providers => { name => 'y', dialect => 'gemini', base_url =>
	    'file:///etc/passwd' }, 'base_url' ],
	    [ rules => { name => 'y', match => { moon => 1 }, targets => [ {
	    provider => 'web' } ] }, 'match' ],
	    [ rules => { name => 'y', match => {}, targets => [] }, 'targets' ],
	    [ pools => { name => 'y', provider => 'web', keys => [ 4711 ] },
	    'keys' ], [ keys => { provider => 'web', api_key => "two\nlines" },
	    'api_key' ], [ keys => { provider => 'web' }, 'api_key' ]) {
		my ($kind, $body, $field) = @$_;
		my $r = api(POST => $kind, $body);
		ok($r->{status} =~ /^4(?:09|22)$/, "$kind: $field") or
		    diag "$r->{status} $r->{body}";
		like($r->{json}{field} // '', qr/^\Q$field\E/, '... is named')
		    or diag $r->{body};
		isnt($r->{json}{detail}, '', '... with what is allowed');
	}
	is($dump->(), $before, 'nothing has changed');
	my ($file) = grep { $_->{name} eq 'filed' } list('providers');
	my $r = api(PATCH => "providers/$file->{id}", { base_url =>
	    'https://example.com' });
	ok($r->{status} =~ /^4(?:09|22)$/, 'what app.yml has is its own');
	like($r->{json}{detail}, qr/app\.yml/, '... and said');
	$r = api(DELETE => "providers/$p->{id}");
	is($r->{status}, 409, 'a provider in use stays') or diag $r->{body};
};

subtest 'deleted, and who may' => sub {
	is(api(DELETE => "$_->[0]/$_->[1]{id}")->{status}, 204, "$_->[0]")
	    for [ rules => $r1 ], [ rules => $r2 ], [ models => $m ],
	    [ pools => $pool ];
	is(api(DELETE => "models/$m->{id}")->{status}, 404, 'gone');
	my @acts = map { $_->{action} } @{ api(GET => 'audit')->{json}{acts} };
	ok((grep { $_ eq 'delete model' } @acts), 'audited');
	unlike(api(GET => 'audit')->{body}, qr/secret-value|pasted-value/,
	    'without any value');
	my ($rev) = @{ api(GET => 'revisions')->{json}{revisions} };
	is($rev->{author}, 'boss', 'and a revision of who did it');
	api(POST => 'users', { name => 'eye', password => 'just looking',
	    role => 'viewer' });
	my $boss = $ad->{session};
	is($ad->log_in('eye', 'just looking')->{status}, 200, 'a viewer');
	is(api(GET => $_)->{status}, 200, "sees $_")
	    for qw(models rules pools keys providers);
	is(api(POST => 'models', { route_key => 'v', target_model => 'x',
	    provider => 'web' })->{status}, 403, 'and changes nothing');
	$ad->{session} = $boss;
	$g->stop;
	is(api(GET => 'keys')->{status}, 200, 'keys while proxyd is down');
	system('sqlite3', '-cmd', '.timeout 10000', $g->db, "INSERT INTO
	    key_states VALUES ($k->{id}, '', (unixepoch() + 600) * 1000000, 1,
	    401)") == 0 or die 'sqlite3';
	my $live = sub { my ($x) = grep { $_->{id} == $k->{id} }
	    list('keys'); $x->{live} };
	is($live->()->{state}, 'parked', '... one that will be parked');
	like($live->()->{reason}, qr/401/, '... and why');
	is(api(POST => "keys/$k->{id}/reset")->{status}, 204, 'is reset');
	is($live->()->{state}, 'active', '... for the next start');
	is(api(POST => "providers/$p->{id}/reset")->{status}, 503,
	    'circuits are in its memory alone');
	is(api(POST => 'models', { route_key => 'late', target_model => 'x',
	    provider => 'web' })->{status}, 200, 'but changed');
};
subtest 'pages' => sub {
	my $t = api(POST => 'tenants', { name => 'many' })->{json}{id};
	api(POST => 'client-keys', { name => "k$_", tenant_id => $t }) for
	    1 .. 7;
	api(POST => 'tenants', { name => "t$_" }) for 1 .. 4;
	api(PUT => 'prices', { model => "p$_", input => 1, output => 1 }) for
	    1 .. 3;
	api(POST => 'users', { name => "u$_", password => 'long enough',
	    role => 'viewer' }) for 1 .. 4;
	api(POST => 'tokens', { name => "u$_", role => 'viewer' }) for 1 .. 5;
	for my $kind (qw(providers models rules pools keys tenants
	    client-keys prices users tokens)) {
		my ($name) = $kind =~ tr/-/_/r;
		my @all = sort { $a <=> $b } map { $_->{id} }
		    @{ api(GET => $kind)->{json}{$name} };
		my ($after, @got) = (0);
		for (0 .. @all) {
			my $j = api(GET => "$kind?limit=2&after=$after")
			    ->{json};
			push @got, map { $_->{id} } @{ $j->{$name} };
			$after = $j->{next} // last;
		}
		is_deeply(\@got, \@all, "$kind: all, in pages");
		cmp_ok(scalar(@all), '>', 2, '... of which there are some')
		    if $kind =~ /^[cptu]/ && $kind !~ /^pools|^prov/;
	}
	my $j = api(GET => 'client-keys?limit=3')->{json};
	is(scalar @{ $j->{client_keys} }, 3, 'the first');
	api(DELETE => "client-keys/$j->{next}");
	my $on = api(GET => "client-keys?limit=1000&after=$j->{next}")->{json};
	is(scalar @{ $on->{client_keys} }, 4,
	    'and the rest, though the last seen is gone');
	is($on->{next}, undef, 'no more');
	is(api(GET => "tenants?$_")->{status}, 400, $_) for 'limit=0',
	    'limit=1001', 'after=-1', 'after=x';
	is(api(GET => 'tenants?limit=0')->{json}{field}, 'limit', 'named');
};

$ad->finish;
$g->finish;
done_testing;
