#!/usr/bin/perl

# OpenAI's Conversations API: conversations are kept here for models of every
# provider, also for one that could keep its own; what is said in them goes
# before the next request, whoever answers it.

use strict;
use warnings;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

my $J = JSON::PP->new->utf8->canonical;
my $T = JSON::PP::true;
my %json = ('Content-Type' => 'application/json');
my $n = 0;

sub events { join '', map { "event: $_->{type}\ndata: " . $J->encode($_) .
    "\n\n" } @_ }

my $an = Upstream->new(sub {
	my $b = Upstream::json_of($_[0]);
	my $text = 'claude ' . ++$n;

	return [reply => 529, \%json, '{"type":"error","error":{"type":' .
	    '"overloaded_error","message":"busy"}}']
	    if $J->encode($b) =~ /fail please/;
	return [reply => 200, { 'Content-Type' => 'text/event-stream' }, events(
	    { type => 'message_start', message => { id => 'msg_1', type =>
	    'message', role => 'assistant', content => [], model => 'c', usage
	    => { input_tokens => 1, output_tokens => 1 } } }, { type =>
	    'content_block_start', index => 0, content_block => { type =>
	    'text', text => '' } }, { type => 'content_block_delta', index =>
	    0, delta => { type => 'text_delta', text => $text } }, { type =>
	    'content_block_stop', index => 0 }, { type => 'message_delta',
	    delta => { stop_reason => 'end_turn' }, usage => { output_tokens
	    => 2 } }, { type => 'message_stop' })] if $b->{stream};
	return [reply => 200, \%json, $J->encode({ id => 'msg_1', type =>
	    'message', role => 'assistant', model => 'c', content => [{ type =>
	    'text', text => $text }], stop_reason => 'end_turn', usage => {
	    input_tokens => 1, output_tokens => 2 } })];
});
my $oa = Upstream->new(sub {
	my $b = Upstream::json_of($_[0]);
	my $id = 'resp_' . ++$n;
	my $o = { id => $id, object => 'response', created_at => 1, model =>
	    $b->{model}, status => 'completed', error => undef,
	    incomplete_details => undef, output => [{ id => "msg_gpt$n", type
	    => 'message', role => 'assistant', status => 'completed', content
	    => [{ type => 'output_text', text => "gpt $n", annotations => []
	    }] }], usage => { input_tokens => 1, output_tokens => 2,
	    total_tokens => 3 } };

	return [reply => 200, \%json, $J->encode($o)] unless $b->{stream};
	return [reply => 200, { 'Content-Type' => 'text/event-stream' }, events(
	    { type => 'response.created', sequence_number => 0, response => {
	    %$o, status => 'in_progress', output => [] } }, { type =>
	    'response.output_item.added', sequence_number => 1, output_index
	    => 0, item => { %{ $o->{output}[0] }, content => [] } }, { type =>
	    'response.content_part.added', sequence_number => 2, output_index
	    => 0, content_index => 0, item_id => "msg_gpt$n", part => { type =>
	    'output_text', text => '', annotations => [] } }, { type =>
	    'response.output_text.delta', sequence_number => 3, output_index
	    => 0, content_index => 0, item_id => "msg_gpt$n", delta => "gpt $n"
	    }, { type => 'response.output_item.done', sequence_number => 4,
	    output_index => 0, item => $o->{output}[0] }, { type =>
	    'response.completed', sequence_number => 5, response => $o })];
});
my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
RETRY_TRIES: 1
PROVIDERS:
  an: { dialect: anthropic, base_url: "${\$an->base}", keyless: true }
  oa: { dialect: openai-responses, base_url: "${\$oa->base}", keys: [sk-c-1] }
MODELS:
  - { route_key: claude, target_model: claude-opus-5, provider: an }
  - { route_key: gpt, target_model: gpt-5.5, provider: oa }
EOT
my @head;

sub call {
	my ($method, $path, $body) = @_;
	my $r = Client->new($g->port)->request($method => "/v1/$path", { @head
	    }, $body)->response;
	$r->{json} = eval { $J->decode($r->{body}) };
	return $r;
}

sub good {
	my $r = call(@_);
	is($r->{status}, 200, "$_[0] $_[1]") or diag $r->{body};
	return $r->{json};
}

sub ask {
	my ($model, $input, $c, %more) = @_;
	my $r = call(POST => 'responses', { model => $model, input => $input,
	    conversation => $c, %more });
	is($r->{status}, 200, "$model answers") or diag $r->{body};
	return $r->{json} unless $more{stream};
	my ($last) = $r->{body} =~ /event: response\.completed\ndata: (.*)/;
	return $J->decode($last)->{response};
}

sub text_of {
	my ($c) = @_;
	return ref $c ? join ' ', map { $_->{text} // '' } @$c : $c;
}

# What a provider was told, in order.
sub told {
	my ($up) = @_;
	my $b = Upstream::json_of([$up->requests]->[-1]);
	return join ' | ', map { text_of($_->{content}) }
	    @{ $b->{messages} // $b->{input} };
}

sub items {
	my ($id, $query) = @_;
	return good(GET => "conversations/$id/items" . ($query //
	    '?order=asc&limit=100'))->{data};
}

my $c = good(POST => 'conversations', { metadata => { topic => 'demo' }, items
    => [{ role => 'user', content => 'hello' }, { type => 'message', role =>
    'assistant', content => [{ type => 'output_text', text => 'hi' }] }] });

subtest 'made' => sub {
	like($c->{id}, qr/^conv_\w{20,}$/, 'an id');
	is($c->{object}, 'conversation', 'its object');
	is($c->{metadata}{topic}, 'demo', 'its metadata');
	cmp_ok(abs($c->{created_at} - time), '<', 60, 'its time');
	is_deeply(good(GET => "conversations/$c->{id}"), $c, 'is read');
	is_deeply(good(POST => "conversations/$c->{id}", { metadata => { topic
	    => 'other' } }), { %$c, metadata => { topic => 'other' } },
	    'its metadata changes');
	my $l = items($c->{id});
	is_deeply([map { text_of($_->{content}) } @$l], ['hello', 'hi'],
	    'what was said');
	is_deeply([map { "$_->{type} $_->{role} $_->{status} " .
	    $_->{content}[0]{type} } @$l], ['message user completed input_text',
	    'message assistant completed output_text'], 'in full');
	my $e = good('POST', 'conversations');
	is_deeply($e->{metadata}, {}, 'without a body, too');
	is_deeply(items($e->{id}), [], 'and empty');
};

subtest 'gone on from' => sub {
	my $r = ask('claude', 'first', $c->{id});
	is_deeply($r->{conversation}, { id => $c->{id} }, 'said in the answer');
	is(told($an), 'hello | hi | first', 'what was there goes before');
	ask('gpt', 'second', { id => $c->{id} });
	is(told($oa), 'hello | hi | first | claude 1 | second',
	    'to another provider as well');
	my $b = Upstream::json_of([$oa->requests]->[-1]);
	ok(!exists $b->{conversation}, '... that does not know of it');
	ask('gpt', 'third', $c->{id}, stream => $T);
	ask('claude', 'fourth', $c->{id}, stream => $T, store =>
	    JSON::PP::false);
	is(told($an), 'hello | hi | first | claude 1 | second | gpt 1 | ' .
	    'third | gpt 2 | fourth', 'streamed as well');
	is_deeply([map { text_of($_->{content}) } @{ items($c->{id}) }],
	    ['hello', 'hi', 'first', 'claude 1', 'second', 'gpt 1', 'third',
	    'gpt 2', 'fourth', 'claude 2'], 'all of it is kept, in order');
	is(call(POST => 'responses', { model => 'claude', input =>
	    'fail please', conversation => $c->{id} })->{status}, 529,
	    'what fails');
	is(scalar @{ items($c->{id}) }, 10, '... says nothing');
};

subtest 'items' => sub {
	my $l = good(POST => "conversations/$c->{id}/items", { items => [{ role
	    => 'user', content => 'added' }, { type => 'function_call', call_id
	    => 'call_1', name => 'f', arguments => '{}' }, { type =>
	    'function_call_output', call_id => 'call_1', output => 'ok' }] });
	is_deeply([map { $_->{type} } @{ $l->{data} }], [qw(message
	    function_call function_call_output)], 'added');
	is($l->{first_id}, $l->{data}[0]{id}, 'first');
	is($l->{last_id}, $l->{data}[2]{id}, 'last');
	ok(!$l->{has_more}, 'that is all');
	my @id = map { $_->{id} } @{ items($c->{id}) };
	is(scalar @id, 13, 'behind the others');
	my %once = map { $_ => 1 } @id;
	is(scalar keys %once, 13, 'each has its own id');
	my $p = good(GET => "conversations/$c->{id}/items?limit=5");
	is_deeply([map { $_->{id} } @{ $p->{data} }], [(reverse @id)[0 .. 4]],
	    'the newest first');
	ok($p->{has_more}, 'and more');
	$p = good(GET => "conversations/$c->{id}/items?limit=100&after=" .
	    $p->{last_id});
	is_deeply([map { $_->{id} } @{ $p->{data} }], [(reverse @id)[5 .. 12]],
	    'the rest');
	is(good(GET => "conversations/$c->{id}/items/$id[10]")->{content}[0]
	    {text}, 'added', 'one');
	is(good(DELETE => "conversations/$c->{id}/items/$id[10]")->{id},
	    $c->{id}, 'deleted');
	is(call($_ => "conversations/$c->{id}/items/$id[10]")->{status}, 404,
	    "$_: gone") for qw(GET DELETE);
	ask('gpt', 'on', $c->{id});
	my $b = Upstream::json_of([$oa->requests]->[-1]);
	is_deeply([map { $_->{type} // 'message' } @{ $b->{input} }[-3 .. -1]],
	    [qw(function_call function_call_output message)],
	    'calls are said as well');
	unlike($J->encode($b), qr/added/, 'what was deleted is not');
};

subtest 'one that is not kept here' => sub {
	my $r = call(POST => 'responses', { model => 'claude', input => 'x',
	    conversation => 'conv_theirs' });
	is($r->{status}, 400, 'is refused');
	is($r->{json}{error}{param}, 'conversation', 'and named');
	$r = call(POST => 'responses', { model => 'gpt', input => 'x',
	    conversation => 'conv_theirs' });
	is($r->{status}, 200, 'but a provider may have it');
	is(Upstream::json_of([$oa->requests]->[-1])->{conversation},
	    'conv_theirs', '... who is told');
	is(call(GET => 'conversations/conv_theirs')->{status}, 404,
	    'and nothing is kept of it');
	is(call(POST => 'responses', { model => 'claude', input => 'x',
	    conversation => 'c' x 300 })->{status}, 400, 'nor one too long');
};

subtest 'bad input' => sub {
	for ([items => 'x'], [items => [map { { role => 'user', content => 'x' }
	    } 1 .. 21]], ['items[0].role' => [{ role => 'king', content =>
	    'x' }]], ['items[1]' => [{ role => 'user', content => 'x' }, 7]]) {
		my ($param, $items) = @$_;
		for my $path ('conversations', "conversations/$c->{id}/items") {
			my $r = call(POST => $path, { items => $items });
			is($r->{status}, 400, "$path: $param");
			is($r->{json}{error}{param}, $param, '... named') or
			    diag $r->{body};
		}
	}
	my $r;
	$r = call(POST => 'conversations', { metadata => $_ }),
	    is("$r->{status} $r->{json}{error}{param}", '400 metadata',
	    'metadata') for 'x', [], { a => 1 }, { map { $_ => 'x' } 1 .. 17 },
	    { a => 'x' x 3000 };
	is(call(POST => 'conversations', '[')->{status}, 400, 'no JSON');
	$r = call(@$_), is($r->{status}, 404, "$_->[0] $_->[1]") for
	    [GET => 'conversations/none'], [DELETE => 'conversations/none'],
	    [POST => 'conversations/none', { metadata => {} }],
	    [GET => 'conversations/none/items'],
	    [GET => "conversations/$c->{id}/items/none"];
	is(call(PUT => "conversations/$c->{id}", {})->{status}, 405, 'PUT');
	is(call(GET => 'conversations')->{status}, 405, 'no list of them');
	is(scalar @{ items($c->{id}) }, 14, 'nothing was added');
};

subtest 'after a restart' => sub {
	my $was = items($c->{id});
	$g->stop;
	$g->start;
	is_deeply(items($c->{id}), $was, 'still there');
	ok(!grep({ `grep -c 'claude 1' $_` > 0 } glob("$g->{home}/state.db*")),
	    'and not to be read in the file');
};

subtest 'deleted' => sub {
	is_deeply(good(DELETE => "conversations/$c->{id}"), { id => $c->{id},
	    object => 'conversation.deleted', deleted => $T }, 'said so');
	is(call(GET => "conversations/$c->{id}$_")->{status}, 404, "gone: $_")
	    for '', '/items';
};

subtest 'tenants' => sub {
	my $ad = Admind->new($g->{home}, file => $g->{file});
	$ad->set_up;
	my @key = map { my $t = $ad->call(POST => '/api/v1/tenants', { name =>
	    $_ })->{json}{id}; $ad->call(POST => '/api/v1/client-keys', {
	    name => $_, tenant_id => $t })->{json}{key} } qw(one two);
	ok($g->known, 'two tenants');
	@head = ('x-api-key' => $key[0]);
	my $mine = good(POST => 'conversations', { items => [{ role => 'user',
	    content => 'secret' }] });
	@head = ('x-api-key' => $key[1]);
	is(call(GET => "conversations/$mine->{id}$_")->{status}, 404,
	    "not another's$_") for '', '/items';
	my $r = call(POST => 'responses', { model => 'gpt', input => 'x',
	    conversation => $mine->{id} });
	is($r->{status}, 400, 'nor by a provider that may have its own');
	is($r->{json}{error}{param}, 'conversation', 'which is named');
	is(call(POST => 'responses', { model => 'claude', input => 'x',
	    conversation => $mine->{id} })->{status}, 400, 'nor by another');
	ok(!grep({ Upstream::body_of($_) =~ /secret/ } $an->requests,
	    $oa->requests), 'nor is it said to a model');
	$ad->finish;
};

is($g->status->{stat}{state_errors}, 0, 'no state was lost');
$g->finish;
done_testing;
