#!/usr/bin/perl

# Reasoning state that a client's wire cannot carry comes back to its provider in
# the next turn, exactly and in place: every client dialect, every family, at
# whichever worker, after a restart; not to another provider, not to another
# tenant.

use strict;
use warnings;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

my $J = JSON::PP->new->utf8->canonical;
my %json = ('Content-Type' => 'application/json');

# The first turn has state and a call, the second an answer.
my %first = (
	gemini => { candidates => [{ index => 0, finishReason => 'STOP',
	    content => { role => 'model', parts => [{ functionCall => {
	    name => 'look', args => { q => 'x' } }, thoughtSignature =>
	    'R0VNSU5J' }, { functionCall => { name => 'look', args => {
	    q => 'y' } } }] } }], usageMetadata => { promptTokenCount => 5,
	    candidatesTokenCount => 5, totalTokenCount => 10 } },
	anthropic => { id => 'msg_1', type => 'message', role => 'assistant',
	    model => 'claude-opus-5', stop_reason => 'tool_use', content => [
	    { type => 'thinking', thinking => '', signature => 'QU5U' },
	    { type => 'redacted_thinking', data => 'UkVE' },
	    { type => 'text', text => "Looking \"around\".\n" },
	    { type => 'tool_use', id => 'toolu_01', name => 'look', input => {
	    q => 'x' } }], usage => { input_tokens => 5, output_tokens => 5 } },
	responses => { id => 'resp_1', object => 'response', created_at => 1,
	    status => 'completed', model => 'gpt-5.5', output => [{ type =>
	    'reasoning', id => 'rs_1', summary => [], encrypted_content =>
	    'RU5D' }, { type => 'function_call', id => 'fc_1', call_id =>
	    'call_r1', name => 'look', arguments => '{"q":"x"}', status =>
	    'completed' }], usage => { input_tokens => 5, output_tokens => 5,
	    total_tokens => 10 } },
);
my %last = (
	gemini => { candidates => [{ index => 0, finishReason => 'STOP',
	    content => { role => 'model', parts => [{ text => 'done' }] } }],
	    usageMetadata => { promptTokenCount => 5,
	    candidatesTokenCount => 5, totalTokenCount => 10 } },
	anthropic => { id => 'msg_2', type => 'message', role => 'assistant',
	    model => 'claude-opus-5', stop_reason => 'end_turn', content => [
	    { type => 'text', text => 'done' }], usage => { input_tokens => 5,
	    output_tokens => 5 } },
	responses => { id => 'resp_2', object => 'response', created_at => 1,
	    status => 'completed', model => 'gpt-5.5', output => [{ type =>
	    'message', id => 'msg_3', role => 'assistant', status =>
	    'completed', content => [{ type => 'output_text', text => 'done',
	    annotations => [] }] }], usage => { input_tokens => 5,
	    output_tokens => 5, total_tokens => 10 } },
);
# State has no bound of its own: a thought may be as long as an answer.
my %long = (QU5U => 'QU5U' x 10_000, UkVE => 'UkVE' x 5_000, RU5D => 'RU5D' x
    40_000, R0VNSU5J => 'R0VNSU5J' x 1_000, '"thinking":""' =>
    '"thinking":"' . 'so it is ' x 5_000 . '"', 'Looking' => 'Looking ' x
    2_000);
my $long = join '|', map { quotemeta } keys %long;
my %up = map { my $f = $_; $f => Upstream->new(sub {
	my $body = Upstream::body_of($_[0]);
	my $text = $J->encode($body =~ /found it/ ? $last{$f} : $first{$f});
	$text =~ s/($long)/$long{$1}/g if "$_[0]{path} $body" =~ /-long/;
	return [reply => 200, \%json, $text];
}) } keys %first;
my %model = (gemini => 'gemini-3-flash-preview', anthropic =>
    'claude-opus-5', responses => 'gpt-5.5');

my $g = Gateway->new(config => <<"EOT");
PROVIDERS:
  g: { dialect: gemini, base_url: ${\$up{gemini}->base}, keyless: true }
  a: { dialect: anthropic, base_url: ${\$up{anthropic}->base}, keyless: true }
  r: { dialect: openai-responses, base_url: ${\$up{responses}->base}, keyless: true }
  k: { dialect: openai-responses, base_url: ${\$up{responses}->base}, keys: [sk-key-number-01, sk-key-number-02, sk-key-number-03] }
MODELS:
  - { route_key: to-keys, target_model: $model{responses}, provider: k }
  - { route_key: to-gemini, target_model: $model{gemini}, provider: g }
  - { route_key: to-anthropic, target_model: $model{anthropic}, provider: a }
  - { route_key: to-responses, target_model: $model{responses}, provider: r }
  - { route_key: long-gemini, target_model: $model{gemini}-long, provider: g }
  - { route_key: long-anthropic, target_model: $model{anthropic}-long, provider: a }
  - { route_key: long-responses, target_model: $model{responses}-long, provider: r }
EOT

my $schema = { type => 'object', properties => { q => { type =>
    'string' } } };
my @head;

sub post {
	my ($path, $body) = @_;
	my $r = Client->new($g->port)->request(POST => $path, { @head }, $body)
	    ->response;
	is($r->{status}, 200, "answered") or diag $r->{body};
	return ($r, $J->decode($r->{body}));
}

# A tool loop of two turns as each client writes it: first(model) gives what it
# was answered, second(model, that) goes on.
my %client = (
	chat => {
		path => sub { '/v1/chat/completions' },
		first => sub { my ($m, @more) = @_; { model => $m,
		    reasoning_effort => 'high', tools => [{ type => 'function',
		    function => { name => 'look', parameters => $schema } }],
		    messages => [{ role => 'user', content => 'go' },
		    @more] } },
		replay => sub { my ($o) = @_;
		    my $m = $o->{choices}[0]{message};
		    ($m, map { { role => 'tool', tool_call_id => $_->{id},
		    content => 'found it' } } @{ $m->{tool_calls} }) },
	},
	anthropic => {
		path => sub { '/v1/messages' },
		first => sub { my ($m, @more) = @_; { model => $m,
		    max_tokens => 4000, thinking => { type => 'enabled',
		    budget_tokens => 2000 }, tools => [{ name => 'look',
		    input_schema => $schema }], messages => [{ role => 'user',
		    content => 'go' }, @more] } },
		replay => sub { my ($o) = @_; ({ role => 'assistant',
		    content => $o->{content} }, { role => 'user', content =>
		    [map { { type => 'tool_result', tool_use_id => $_->{id},
		    content => 'found it' } } grep { $_->{type} eq 'tool_use' }
		    @{ $o->{content} }] }) },
	},
	responses => {
		path => sub { '/v1/responses' },
		first => sub { my ($m, @more) = @_; { model => $m, store =>
		    JSON::PP::false, reasoning => { effort => 'high' },
		    tools => [{ type => 'function', name => 'look',
		    parameters => $schema, strict => JSON::PP::false }],
		    input => [{ role => 'user', content => 'go' }, @more] } },
		replay => sub { my ($o) = @_; (@{ $o->{output} }, map { {
		    type => 'function_call_output', call_id => $_->{call_id},
		    output => 'found it' } } grep { $_->{type} eq
		    'function_call' } @{ $o->{output} }) },
	},
	gemini => {
		path => sub { "/v1beta/models/$_[0]:generateContent" },
		first => sub { my ($m, @more) = @_; { generationConfig => {
		    thinkingConfig => { includeThoughts => JSON::PP::true } },
		    tools => [{ functionDeclarations => [{ name => 'look',
		    parametersJsonSchema => $schema }] }], contents => [{ role
		    => 'user', parts => [{ text => 'go' }] }, @more] } },
		replay => sub { my ($o) = @_;
		    my $c = $o->{candidates}[0]{content};
		    ($c, { role => 'user', parts => [map { {
		    functionResponse => { %{ $_->{functionCall}{id} ? { id =>
		    $_->{functionCall}{id} } : {} }, name => 'look', response
		    => { r => 'found it' } } } } grep { $_->{functionCall} }
		    @{ $c->{parts} }] }) },
	},
);

sub turn_one {
	my ($c, $model) = @_;
	my (undef, $o) = post($c->{path}->($model), $c->{first}->($model));
	return $c->{replay}->($o);
}

# What the provider was asked, and the report.
sub turn_two {
	my ($c, $model, $family, @replay) = @_;
	my ($r) = post($c->{path}->($model), $c->{first}->($model, @replay));
	my @asked = $up{$family}->requests;
	return (Upstream::json_of($asked[-1]), $r->{headers}{'x-proxyd-loss'});
}

# The state is there, whole, in its place.
my %there = (
	gemini => sub {
		my ($b) = @_;
		my @p = map { @{ $_->{parts} } } grep { $_->{role} eq
		    'model' } @{ $b->{contents} };
		is($p[0]{thoughtSignature}, 'R0VNSU5J',
		    'pitfall-15: upon the first call');
		ok($p[0]{functionCall} && !$p[0]{functionCall}
		    {thoughtSignature}, 'beside it, not in it');
		ok(!$p[1]{thoughtSignature}, 'and upon no other');
	},
	anthropic => sub {
		my ($b) = @_;
		my ($m) = grep { $_->{role} eq 'assistant' }
		    @{ $b->{messages} };
		my @c = @{ $m->{content} };
		is(join(' ', map { $_->{type} } @c),
		    'thinking redacted_thinking text tool_use',
		    'pitfall-18: before the call, in order');
		is_deeply($c[0], { type => 'thinking', thinking => '',
		    signature => 'QU5U' }, 'pitfall-16: also without text');
		is($c[1]{data}, 'UkVE', 'redacted');
	},
	responses => sub {
		my ($b) = @_;
		my @i = @{ $b->{input} };
		my ($at) = grep { ($i[$_]{type} // '') eq 'reasoning' } 0 .. $#i;
		ok(defined $at, 'pitfall-21: the item is there') or return;
		is($i[$at]{encrypted_content}, 'RU5D', 'encrypted as it was');
		is($i[$at]{id}, 'rs_1', 'with its id');
		is($i[$at + 1]{type}, 'function_call', 'before the call');
	},
);
my %family = (gemini => 'gemini', anthropic => 'anthropic', responses =>
    'responses');
my %kept;

for my $f (sort keys %first) {
	for my $name (sort keys %client) {
		next if $name eq $f;
		subtest "$name client, $f" => sub {
			my $c = $client{$name};
			my @replay = turn_one($c, "to-$f");
			unlike($J->encode(\@replay), qr/R0VNSU5J|QU5U|UkVE|RU5D/,
			    'pitfall-17: not smuggled through the client');
			my ($b, $loss) = turn_two($c, "to-$f", $f, @replay);
			$there{$f}->($b);
			unlike($loss // '', qr/signature|reasoning/,
			    'and nothing is said to be lost') or diag $loss;
			my ($again) = turn_two($c, "to-$f", $f, @replay);
			is($J->encode($again), $J->encode($b),
			    'the same bytes each time');
			$kept{"$name $f"} = \@replay;
		};
	}
}

subtest 'long' => sub {
	my %of = (gemini => ['R0VNSU5J'], anthropic => ['QU5U', 'UkVE'],
	    responses => ['RU5D']);
	for my $f (sort keys %of) {
		my @replay = turn_one($client{chat}, "long-$f");
		my ($b, $loss) = turn_two($client{chat}, "long-$f", $f,
		    @replay);
		my $text = $J->encode($b);
		ok(index($text, "\"$long{$_}\"") >= 0, "$f: " .
		    length($long{$_}) . ' bytes come back') for @{ $of{$f} };
		unlike($loss // '', qr/signature|reasoning/,
		    'and nothing is said to be lost') or diag $loss;
	}
};

subtest 'streamed' => sub {
	my $c = $client{chat};
	my $body = { %{ $c->{first}->('to-gemini') }, stream =>
	    JSON::PP::true };
	my $r = Client->new($g->port)->request(POST => $c->{path}->(), {},
	    $body)->response;
	my ($id) = $r->{body} =~ /"id":\s*"(?!chatcmpl)([^"]+)"[^}]*"function"|"tool_calls":\[\{[^}]*"id":\s*"([^"]+)"/;
	$id //= $2;
	ok($id, 'a call');
	my ($b) = turn_two($c, 'to-gemini', 'gemini', { role => 'assistant',
	    content => undef, tool_calls => [{ id => $id, type => 'function',
	    function => { name => 'look', arguments => '{"q":"x"}' } }] },
	    { role => 'tool', tool_call_id => $id, content => 'found it' });
	my ($p) = map { @{ $_->{parts} } } grep { $_->{role} eq 'model' }
	    @{ $b->{contents} };
	is($p->{thoughtSignature}, 'R0VNSU5J', 'kept as well');
};

subtest 'pitfall-22: the key that made it' => sub {
	my %used;
	for (1 .. 6) {
		my $n = $up{responses}->requests;
		turn_two($client{chat}, 'to-keys', 'responses',
		    turn_one($client{chat}, 'to-keys'));
		my @k = map { $_->{headers}{authorization} }
		    ($up{responses}->requests)[$n, $n + 1];
		is($k[1], $k[0], 'is asked again');
		$used{$k[0]} = 1;
	}
	is(scalar keys %used, 3, 'while new conversations take turns');
};

subtest 'another provider' => sub {
	my ($b, $loss) = turn_two($client{chat}, 'to-anthropic', 'anthropic',
	    @{ $kept{'chat gemini'} });
	unlike($J->encode($b), qr/R0VNSU5J/, 'pitfall-20: does not get it');
	like($loss, qr/dropped/, 'which is said');
};

subtest 'after a restart' => sub {
	$g->stop;
	$g->start;
	for my $f (sort keys %first) {
		my ($b) = turn_two($client{chat}, "to-$f", $f,
		    @{ $kept{"chat $f"} });
		$there{$f}->($b);
	}
	ok(!grep({ `grep -c R0VNSU5J $_` > 0 } glob("$g->{home}/state.db*")),
	    'and is not to be read in the file');
};

subtest 'tenants' => sub {
	my $ad = Admind->new($g->{home}, file => $g->{file});
	$ad->set_up;
	my @key = map { my $t = $ad->call(POST => '/api/v1/tenants', { name =>
	    $_ })->{json}{id}; $ad->call(POST => '/api/v1/client-keys', {
	    name => $_, tenant_id => $t })->{json}{key} } qw(one two);
	ok($g->wait_for(sub { Client->new($g->port)->request(GET =>
	    '/v1/models', { 'x-api-key' => $key[1] })->response->{status} ==
	    200 && Client->new($g->port)->request(GET => '/v1/models', {})
	    ->response->{status} == 401 }), 'two tenants');
	$g->known;
	@head = ('x-api-key' => $key[0]);
	my @replay = turn_one($client{chat}, 'to-gemini');
	@head = ('x-api-key' => $key[1]);
	my ($b) = turn_two($client{chat}, 'to-gemini', 'gemini', @replay);
	unlike($J->encode($b), qr/R0VNSU5J/, "not another's");
	@head = ('x-api-key' => $key[0]);
	($b) = turn_two($client{chat}, 'to-gemini', 'gemini', @replay);
	like($J->encode($b), qr/R0VNSU5J/, "one's own");
	$ad->finish;
};

is($g->status->{stat}{state_errors}, 0, 'no state was lost');
$g->finish;
done_testing;
