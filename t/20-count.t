#!/usr/bin/perl

# Counting tokens, from every dialect to every provider: the provider's own
# counter where there is one, with its own request, key and path; an estimate
# that says so where there is none or it fails.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %json = ('Content-Type' => 'application/json');
my %count = (anthropic => '{"input_tokens": 101}',
    responses => '{"object": "response.input_tokens", "input_tokens": 101}',
    gemini => '{"totalTokens": 101, "promptTokensDetails": [{"modality": ' .
    '"TEXT", "tokenCount": 101}]}');

sub error_of {
	my ($path, $code) = @_;

	return json_text($path =~ /messages/ ? { type => 'error', error => {
	    type => 'invalid_request_error', message => "no $code" },
	    request_id => undef } : $path =~ /countTokens/ ? { error => {
	    code => $code, message => "no $code", status => 'X' } } :
	    { error => { message => "no $code", type => 'x', param => undef,
	    code => undef } });
}

# The model's name says what the counter does.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my ($path, $h) = @$req{qw(path headers)};
	my $model = eval { Upstream::json_of($req)->{model} } //
	    ($path =~ m{models/([^:]+)})[0] // '';
	my ($key) = grep { defined } @$h{qw(authorization x-api-key
	    x-goog-api-key)};
	my $kind = $path eq '/v1/messages/count_tokens' ? 'anthropic' :
	    $path eq '/v1/responses/input_tokens' ? 'responses' :
	    $path =~ m{^/v1beta/models/[^/]+:countTokens$} ? 'gemini' : undef;

	return [reply => 404, \%json, error_of($path, 404)] if !$kind;
	return [reply => $1, \%json, error_of($path, $1)]
	    if $model =~ /-all-(\d+)/ || ($key =~ /1$/ && $model =~
	    /-first-(\d+)/);
	return [reply => 200, \%json, '{"tokens": "many"}']
	    if $model =~ /-odd/;
	return [close => 1] if $model =~ /-close/;
	return [reply => 200, \%json, $count{$kind}];
});
my $base = $up->base;
my @models = qw(plain all-404 all-500 all-400 first-429 odd close);
my $g = Gateway->new(config => <<"EOT");
PREFERRED_PROVIDER: an
PROVIDERS:
  an: { dialect: anthropic, base_url: "$base", keys: ["sk-an-key-1", "sk-an-key-2"] }
  ge: { dialect: gemini, base_url: "$base", keys: ["sk-ge-key-1", "sk-ge-key-2"] }
  re: { dialect: openai-responses, base_url: "$base/v1",
    keys: ["sk-re-key-1", "sk-re-key-2"] }
  oc: { dialect: openai-chat, base_url: "$base/v1", keys: ["sk-oc-key-1"] }
  openai: { base_url: "$base", keys: ["sk-openai-key-1", "sk-openai-key-2"] }
  empty: { dialect: anthropic, base_url: "$base" }
MODELS:
@{[ join '', map { my $p = $_; map { "  - { route_key: $p-$_, " .
    "target_model: x-$_, provider: $p }\n" } @models } qw(an ge re oc openai
    empty) ]}
EOT

my @tools = ({ name => 'weather', description => 'Says the weather',
    schema => { type => 'object', properties => { city => { type =>
    'string' } } } });
my %body = (
    anthropic => sub { ('/v1/messages/count_tokens?beta=true', { model =>
	$_[0], system => 'Be terse.', messages => [ { role => 'user',
	content => 'What is new?' } ], tools => [ map { { name => $_->{name},
	description => $_->{description}, input_schema => $_->{schema} } }
	@tools ] }) },
    responses => sub { ('/v1/responses/input_tokens', { model => $_[0],
	instructions => 'Be terse.', input => 'What is new?', tools => [ map {
	{ type => 'function', name => $_->{name}, description =>
	$_->{description}, parameters => $_->{schema} } } @tools ] }) },
    gemini => sub { ("/v1beta/models/$_[0]:countTokens", { contents => [ {
	role => 'user', parts => [ { text => 'What is new?' } ] } ] }) },
    whole => sub { ("/v1/models/$_[0]:countTokens", {
	generateContentRequest => { model => "models/$_[0]", contents => [ {
	role => 'user', parts => [ { text => 'What is new?' } ] } ],
	systemInstruction => { parts => [ { text => 'Be terse.' } ] },
	tools => [ { functionDeclarations => [ map { { name => $_->{name},
	description => $_->{description}, parametersJsonSchema =>
	$_->{schema} } } @tools ] } ], generationConfig => { temperature => 0
	} } }) },
);
my ($rows, %rows) = (0);

sub ask {
	my ($from, $model) = @_;
	my ($path, $body) = $body{$from}->($model);

	$rows++;
	return Client->once($g->port, POST => $path, {}, json_text($body));
}

sub number {
	my ($r) = @_;
	my $j = Client::json($r) // {};

	return $j->{input_tokens} // $j->{totalTokens};
}

sub asked { grep { $_->{event} eq 'request' } $up->requests }

for my $from (sort keys %body) {
	for my $to (qw(an ge re openai)) {
		my $n = asked();
		my $r = ask($from, "$to-plain");
		is($r->{status}, 200, "$from to $to") or diag $r->{body};
		is(number($r), 101, 'pitfall-41: ... the number is the provider\'s');
		ok(!exists $r->{headers}{'x-proxyd-token-count'},
		    '... and no estimate');
		my $req = (asked())[-1];
		is(scalar asked(), $n + 1, '... by one request');
		my $b = Upstream::json_of($req);
		if ($to eq 'an') {
			is($b->{model}, 'x-plain', '... of its model');
			ok(!exists $b->{max_tokens} && !exists $b->{stream},
			    '... without what it refuses');
			is($req->{headers}{'x-api-key'} =~ /sk-an-key/, 1,
			    '... with its own key');
		} elsif ($to eq 'ge') {
			my $rq = $b->{generateContentRequest} // $b;
			is($rq->{model} // 'models/x-plain',
			    'models/x-plain', '... of its model');
			is($rq->{contents}[0]{parts}[0]{text}, 'What is new?',
			    '... with the text');
			ok(exists $rq->{systemInstruction} ||
			    $from eq 'gemini', '... all of it');
			like($req->{path}, qr/models\/x-plain:countTokens$/,
			    '... at its path');
		} else {
			is($b->{model}, 'x-plain', '... of its model');
			ok(!exists $b->{store} && !exists $b->{stream} &&
			    !exists $b->{include},
			    '... without what it refuses');
		}
	}
	my $r = ask($from, 'oc-plain');
	is($r->{status}, 200, "$from to a provider without a counter") or
	    diag $r->{body};
	cmp_ok(number($r), '>', 10, '... a number');
	is($r->{headers}{'x-proxyd-token-count'}, 'estimate',
	    'pitfall-41: ... which is estimated, and says so');
	like($r->{headers}{'x-proxyd-loss'}, qr/input_tokens/,
	    '... also in the report');
	$r = ask($from, 'mock-echo');
	is($r->{headers}{'x-proxyd-token-count'}, 'estimate', '... the mock') or
	    diag $r->{body};
	for my $to (qw(an ge re)) {
		for my $how (qw(all-404 all-500 odd close)) {
			$r = ask($from, "$to-$how");
			is($r->{status}, 200, "$from to $to, $how") or
			    diag $r->{body};
			cmp_ok(number($r) // 0, '>', 3, '... a number');
			is($r->{headers}{'x-proxyd-token-count'}, 'estimate',
			    '... estimated');
		}
		my $n = 0;
		for (1 .. 4) {
			$r = ask($from, "$to-first-429");
			$n++ if (number($r) // 0) == 101 &&
			    !$r->{headers}{'x-proxyd-token-count'};
		}
		is($n, 4, "$from to $to: another key counts");
	}
	$r = ask($from, 'empty-plain');
	is($r->{headers}{'x-proxyd-token-count'}, 'estimate',
	    'a provider without a key') or diag $r->{body};
}


# What the provider finds wrong is wrong.
my $r = ask('anthropic', 'an-all-400');
is($r->{status}, 400, 'a request that its own provider refuses');
is(Client::json($r)->{error}{message}, 'no 400', '... in its words');
$r = ask('responses', 'an-all-400');
is($r->{headers}{'x-proxyd-token-count'}, 'estimate',
    'a translated one is estimated');

# What is wrong here.
for (['/v1/messages/count_tokens', '{"model":"an-plain"}', 'messages'],
    ['/v1/messages/count_tokens', '{"model":', 'JSON'],
    ['/v1beta/models/an-plain:countTokens', '{"contents": 3}', 'contents'],
    ['/v1/responses/input_tokens', '{"model": 3, "input": "x"}', 'model']) {
	my ($path, $body, $word) = @$_;
	$r = Client->once($g->port, POST => $path, {}, $body);
	$rows++;
	is($r->{status}, 400, "$path with $body");
	like($r->{body}, qr/$word/, '... names it');
}
$r = Client->once($g->port, GET => '/v1/messages/count_tokens');
$rows++;
is($r->{status}, 405, 'another method');

# Google's JSON has names in two forms.
$r = Client->once($g->port, POST => '/v1beta/models/an-plain:countTokens', {},
    '{"generate_content_request":{"contents":[{"parts":[{"text":"x"}]}]}}');
$rows++;
is(number($r), 101, 'snake_case') or diag $r->{body};

# Long texts, quickly.
my ($path, $body) = $body{anthropic}->('oc-plain');
$body->{messages}[0]{content} = 'All work and no play. ' x 50_000;
$r = Client->once($g->port, POST => $path, {}, json_text($body));
$rows++;
cmp_ok(number($r), '>', 250_000, 'a long text is many tokens');

ok($g->settled($rows), 'a row for each');
my ($row) = $g->sql("SELECT count(*) AS n FROM requests WHERE " .
    "path LIKE '%count%' OR path LIKE '%input_tokens'");
is($row->{n}, $rows, '... of them');
($row) = $g->sql("SELECT count(*) AS n FROM requests WHERE loss_json LIKE " .
    "'%estimated%'");
cmp_ok($row->{n}, '>', 20, '... which tells that a count was estimated');
($row) = $g->sql('SELECT count(*) AS n FROM requests WHERE ' .
    'input > 0 OR output > 0');
is($row->{n}, 0, '... and is no usage');
$g->finish;
done_testing;
