#!/usr/bin/perl

# State of the Responses API for a provider that has none: store,
# previous_response_id, conversation, item_reference; read, listed, deleted; at
# any worker, after a restart, and each tenant's apart.

use strict;
use warnings;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

my $J = JSON::PP->new->utf8->canonical;
my $F = JSON::PP::false;
my $n = 0;
my $up = Upstream->new(sub {
	my $body = Upstream::json_of($_[0]);
	my $text = 'answer ' . ++$n;
	my $id = 'msg_' . $n % 3;	# again and again, as some do

	return [reply => 200, { 'Content-Type' => 'text/event-stream' },
	    join '', map { "event: $_->{type}\ndata: " . $J->encode($_) .
	    "\n\n" } { type => 'message_start', message => { id => $id,
	    type => 'message', role => 'assistant', content => [], model =>
	    'c', usage => { input_tokens => 1, output_tokens => 1 } } },
	    { type => 'content_block_start', index => 0, content_block => {
	    type => 'text', text => '' } }, { type => 'content_block_delta',
	    index => 0, delta => { type => 'text_delta', text => $text } },
	    { type => 'content_block_stop', index => 0 }, { type =>
	    'message_delta', delta => { stop_reason => 'end_turn' }, usage =>
	    { output_tokens => 2 } }, { type => 'message_stop' }]
	    if $body->{stream};
	return [reply => 200, { 'Content-Type' => 'application/json' },
	    $J->encode({ id => $id, type => 'message', role =>
	    'assistant', model => 'c', content => [{ type => 'text', text =>
	    $text }], stop_reason => 'end_turn', usage => { input_tokens => 1,
	    output_tokens => 2 } })];
});
my $g = Gateway->new(config => <<"EOT");
WORKERS: 2
PROVIDERS:
  a: { dialect: anthropic, base_url: ${\$up->base}, keyless: true }
  b: { dialect: anthropic, base_url: ${\$up->base}, keys: [ kkkk-1, kkkk-2,
    kkkk-3 ] }
MODELS:
  - { route_key: k, target_model: claude-opus-5, provider: b }
  - { route_key: m, target_model: claude-opus-5, provider: a }
EOT
my @head;

sub call {
	my ($method, $path, $body) = @_;
	my $r = Client->new($g->port)->request($method => "/v1/responses$path",
	    { @head }, $body)->response;
	$r->{json} = eval { $J->decode($r->{body}) };
	return $r;
}

sub ask {
	my ($input, %more) = @_;
	my $r = call(POST => '', { model => 'm', input => $input, %more });
	is($r->{status}, 200, 'answered') or diag $r->{body};
	return $r->{json} unless $more{stream};
	my ($last) = $r->{body} =~ /event: response\.completed\ndata: (.*)/;
	return $J->decode($last)->{response};
}

# What the provider was told, in order: "user: hi".
sub told {
	my @r = $up->requests;
	return [map { my $m = $_; "$m->{role}: " . (ref $m->{content} ?
	    join(' ', map { $_->{text} // '' } @{ $m->{content} }) :
	    $m->{content}) } @{ Upstream::json_of($r[-1])->{messages} }];
}

my $one = ask('one');
like($one->{id}, qr/^resp_/, 'an id');
ok($one->{store}, 'it says that it is kept');
is($one->{previous_response_id}, undef, 'and that nothing is before it');
my $two = ask('two', previous_response_id => $one->{id});
is($two->{previous_response_id}, $one->{id}, 'the next says what is');
is_deeply(told(), ['user: one', 'assistant: answer 1', 'user: two'],
    'the conversation goes on');
my $three = ask([{ role => 'user', content => 'three' }],
    previous_response_id => $two->{id}, stream => JSON::PP::true);
is_deeply(told(), ['user: one', 'assistant: answer 1', 'user: two',
    'assistant: answer 2', 'user: three'], 'and on, streamed');
ask('four', previous_response_id => $three->{id});
is(scalar @{ told() }, 7, 'a streamed answer is kept as well');
ask('other', previous_response_id => $one->{id});
is_deeply(told(), ['user: one', 'assistant: answer 1', 'user: other'],
    'or goes another way from an earlier one');

# By what began it, which only the whole conversation tells.
subtest 'it stays with its key' => sub {
	my ($id, %key);

	for my $turn (1 .. 6) {
		$id = ask("turn $turn", model => 'k', $id ?
		    (previous_response_id => $id) : ())->{id};
		$key{($up->requests)[-1]{headers}{'x-api-key'}}++;
	}
	is(scalar keys %key, 1, 'six turns, one key') or diag explain \%key;
	is(scalar @{ told() }, 11, 'and all of what was said');
};

subtest 'read' => sub {
	my $r = call(GET => "/$one->{id}");
	is($r->{status}, 200, 'there');
	is_deeply($r->{json}, $one, 'as it was answered');
	$r = call(GET => "/$three->{id}/input_items");
	is($r->{json}{object}, 'list', 'what was asked');
	is($r->{json}{data}[0]{content}[0]{text}, 'three', 'its text');
	ok($r->{json}{data}[0]{id} && $r->{json}{data}[0]{type} eq 'message',
	    'an id and a type');
	ok(!$r->{json}{has_more}, 'no more');
	my $many = ask([map { { role => 'user', content => "item $_" } }
	    1 .. 5]);
	my $page = call(GET => "/$many->{id}/input_items?limit=2&order=asc")
	    ->{json};
	is_deeply([map { $_->{content}[0]{text} } @{ $page->{data} }],
	    ['item 1', 'item 2'], 'a page');
	ok($page->{has_more}, 'and more');
	$page = call(GET => "/$many->{id}/input_items?limit=2&order=asc&after="
	    . $page->{last_id})->{json};
	is($page->{data}[0]{content}[0]{text}, 'item 3', 'the next');
	is(call(GET => "/$many->{id}/input_items?limit=x")->{status}, 400,
	    'a bad limit');
	is(call(GET => '/resp_none')->{status}, 404, 'one that is not there');
	is(call(POST => "/$one->{id}/cancel", {})->{status}, 400,
	    'nothing is cancelled that is complete');
};

subtest 'a long turn' => sub {
	my $long = ask('long ' x 20_000);
	my $r = call(GET => "/$long->{id}/input_items")->{json};
	is(length $r->{data}[0]{content}[0]{text}, 100_000, 'is kept');
	ask('next', previous_response_id => $long->{id});
	is(length told()->[0], length('user: ') + 100_000, 'and gone on from');
};

subtest 'references' => sub {
	ask([{ role => 'user', content => 'one' }, { type =>
	    'item_reference', id => $one->{output}[0]{id} }, { role => 'user',
	    content => 'more' }]);
	is_deeply(told(), ['user: one', 'assistant: answer 1', 'user: more'],
	    'an item by its id');
	my $r = call(POST => '', { model => 'm', input => [{ type =>
	    'item_reference', id => 'msg_unknown' }] });
	is($r->{status}, 400, 'one that is not kept is refused');
};

subtest 'conversations' => sub {
	my $r = Client->new($g->port)->request(POST => '/v1/conversations', {
	    @head }, {})->response;
	my $id = $J->decode($r->{body})->{id};
	ask('first', conversation => $id);
	ask('second', conversation => { id => $id });
	my $t = told();
	is("$t->[0] $t->[-1]", 'user: first user: second',
	    'go on by their name');
	is(scalar @$t, 3, 'with the answer between');
	is(call(POST => '', { model => 'm', input => 'x', conversation => 'a',
	    previous_response_id => $one->{id} })->{status}, 400, 'not both');
};

subtest 'what is not kept' => sub {
	my $s = call(GET => "/$one->{id}?stream=true");
	is($s->{status}, 400, 'the events of a response are not');
	like($s->{json}{error}{message}, qr/'stream' is only for/, 'said so');
	my $no = ask('x', store => $F);
	is(call(GET => "/$no->{id}")->{status}, 404, 'store: false');
	my $r = call(POST => '', { model => 'm', input => 'x',
	    previous_response_id => $no->{id} });
	is($r->{status}, 400, 'it cannot be gone on from');
	is($r->{json}{error}{code}, 'previous_response_not_found', 'said so');
	is($r->{json}{error}{param}, 'previous_response_id', 'and where');
	$r = call(POST => '', { model => 'm', input => 'x', background =>
	    JSON::PP::true });
	is($r->{json}{error}{param}, 'background', 'not offered, and said so');
};

subtest 'after a restart' => sub {
	$g->stop;
	$g->start;
	is_deeply(call(GET => "/$one->{id}")->{json}, $one, 'still there');
	ask('later', previous_response_id => $two->{id});
	is(scalar @{ told() }, 5, 'to be gone on from');
	my $r = call(DELETE => "/$two->{id}");
	ok($r->{json}{deleted}, 'deleted');
	is(call(GET => "/$two->{id}")->{status}, 404, 'gone');
	is(call(POST => '', { model => 'm', input => 'x',
	    previous_response_id => $three->{id} })->{status}, 400,
	    'a conversation with a hole in it is not gone on with');
};

# Sixteen that end at once, and the workers are gone before anybody asks.
subtest 'after a kill' => sub {
	my @c = map { Client->new($g->port)->request(POST => '/v1/responses',
	    { @head }, { model => 'm', input => "many $_", stream => $_ % 2 ?
	    JSON::PP::true : $F }) } 1 .. 16;
	my @id = map { $_->response->{body} =~ /"id":"(resp_\w+)"/ } @c;
	$g->kill_children('KILL');
	is(scalar @id, 16, 'answered');
	is_deeply([map { my $r = call(GET => "/$_/input_items");
	    $r->{json}{data}[0]{content}[0]{text} } @id],
	    [map { "many $_" } 1 .. 16], 'each is kept that had ended');
	ok($g->status->{stat}{state_errors} == 0, 'nothing was not kept');
	$g->{crashed} = 1;
};

subtest 'tenants' => sub {
	my $ad = Admind->new($g->{home}, file => $g->{file});
	$ad->set_up;
	my @key = map { my $t = $ad->call(POST => '/api/v1/tenants', { name =>
	    $_ })->{json}{id}; $ad->call(POST => '/api/v1/client-keys', {
	    name => $_, tenant_id => $t })->{json}{key} } qw(one two);
	ok($g->known, 'two tenants');
	@head = ('x-api-key' => $key[0]);
	my $mine = ask('mine');
	is(call(GET => "/$mine->{id}")->{status}, 200, "one's own");
	@head = ('x-api-key' => $key[1]);
	is(call(GET => "/$mine->{id}")->{status}, 404, "not another's");
	is(call(DELETE => "/$mine->{id}")->{status}, 404,
	    'nor to be deleted');
	is(call(POST => '', { model => 'm', input => 'x',
	    previous_response_id => $mine->{id} })->{status}, 400,
	    'nor gone on from');
	is(call(GET => "/$one->{id}")->{status}, 404, 'nor what nobody owns');
	$ad->finish;
};

$g->{allow} = qr/was killed by signal 9/;
$g->finish;
done_testing;
