#!/usr/bin/perl

# Responses that their provider keeps: gone on from under the key that made
# them, read, listed, streamed again, cancelled and deleted there; by the tenant
# that made them only; and beside those that are kept here.

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
my $n = 0;
my %kept;		# id => [key, object]

# Two organizations: what one key made, the other does not see.
sub openai {
	my ($req) = @_;
	my ($key) = $req->{headers}{authorization} =~ /(key-\w+)/;
	my ($id, $more) = $req->{path} =~
	    m{^/v1/responses/([^/?]+)(?:/(\w+))?};
	my $no = sub { [reply => $_[0], \%json, $J->encode({ error => {
	    message => $_[1], type => 'invalid_request_error', param => undef,
	    code => undef } })] };

	if (defined $id) {
		my $k = $kept{$id};
		return $no->(404, "Response with id '$id' not found.")
		    if !$k || $k->[0] ne $key;
		return [reply => 200, \%json, $J->encode({ object => 'list',
		    data => [], query => $req->{path} })]
		    if ($more // '') eq 'input_items';
		if (($more // '') eq 'cancel') {
			$k->[1]{status} = 'cancelled';
			return [reply => 200, \%json, $J->encode($k->[1])];
		}
		if ($req->{method} eq 'DELETE') {
			delete $kept{$id};
			return [reply => 200, \%json, $J->encode({ id => $id,
			    object => 'response.deleted', deleted =>
			    JSON::PP::true })];
		}
		return ([head => 200, { 'Content-Type' =>
		    'text/event-stream' }], [chunk => "event: x\ndata: 1\n\n"],
		    $id =~ /cut/ ? ['close'] : ([chunk =>
		    "event: y\ndata: 2\n\n"], ['last']))
		    if $req->{path} =~ /stream=true/;
		return [reply => 200, \%json, $J->encode($k->[1])];
	}
	my $b = Upstream::json_of($req);
	my $p = $b->{previous_response_id};
	return $no->(400, "Previous response with id '$p' not found.")
	    if defined $p && ($kept{$p}[0] // '') ne $key;
	$id = 'resp_native' . ++$n . ($b->{input} =~ /cut/ ? 'cut' : '');
	my $o = { id => $id, object => 'response', created_at => 1, model =>
	    $b->{model}, status => $b->{background} ? 'queued' : 'completed',
	    error => undef, incomplete_details => undef, output =>
	    $b->{background} ? [] : [ { id => "msg_$n", type => 'message',
	    role => 'assistant', status => 'completed', content => [ { type =>
	    'output_text', text => "answer $n", annotations => [] } ] } ],
	    usage => $b->{background} ? undef : { input_tokens => 1,
	    output_tokens => 2, total_tokens => 3 } };
	$kept{$id} = [$key, $o] if !defined $b->{store} || $b->{store};
	return [reply => 200, \%json, $J->encode($o)] unless $b->{stream};
	return [reply => 200, { 'Content-Type' => 'text/event-stream' },
	    join '', map { "event: $_->{type}\ndata: " . $J->encode($_) .
	    "\n\n" } { type => 'response.created', sequence_number => 0,
	    response => { %$o, status => 'in_progress', output => [] } },
	    { type => 'response.output_item.added', sequence_number => 1,
	    output_index => 0, item => { %{ $o->{output}[0] }, content => [] }
	    }, { type => 'response.output_text.delta', sequence_number => 2,
	    output_index => 0, content_index => 0, item_id => "msg_$n",
	    delta => "answer $n" }, { type => 'response.output_item.done',
	    sequence_number => 3, output_index => 0, item => $o->{output}[0] },
	    { type => 'response.completed', sequence_number => 4,
	    response => $o }];
}

# The script runs in the scripted provider's own process: it keeps %kept.
my $up = Upstream->new(\&openai);
my $other = Upstream->new(sub {
	return [reply => 200, \%json, $J->encode({ id => 'msg_1', type =>
	    'message', role => 'assistant', model => 'c', content => [ { type =>
	    'text', text => 'elsewhere' } ], stop_reason => 'end_turn',
	    usage => { input_tokens => 1, output_tokens => 2 } })];
});
my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
PROVIDERS:
  oa: { dialect: openai-responses, base_url: "${\$up->base}",
    keys: [sk-key-one, sk-key-two] }
  an: { dialect: anthropic, base_url: "${\$other->base}", keyless: true }
MODELS:
  - { route_key: m, target_model: gpt-5.5, provider: oa }
  - { route_key: a, target_model: claude-opus-5, provider: an }
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

sub asked { grep { $_->{event} eq 'request' } $up->requests }

subtest 'under the key that made it' => sub {
	for my $stream (JSON::PP::false, JSON::PP::true) {
		my @r = map { ask("begin $_", stream => $stream) } 1 .. 4;
		my %by = map { ($_->{headers}{authorization} => 1) } asked();
		is(scalar keys %by, 2, 'both keys serve');
		for (1 .. 3) {
			@r = map { ask('on', previous_response_id =>
			    $_->{id}, stream => $stream) } @r;
		}
		is(scalar(asked()), 16, 'nothing is asked twice');
		$up->forget;
	}
};

subtest 'read there' => sub {
	my @r = map { ask("read $_") } 1 .. 4;
	for my $r (@r) {
		is_deeply(call(GET => "/$r->{id}")->{json}, $r, 'as it is');
		my $l = call(GET => "/$r->{id}/input_items?limit=3&after=x");
		like($l->{json}{query}, qr/input_items\?limit=3&after=x$/,
		    'its items, of the page asked for');
	}
	my $r = call(DELETE => "/$r[0]{id}");
	is($r->{status}, 200, 'deleted') or diag $r->{body};
	ok($r->{json}{deleted}, '... by the provider');
	$r = call(GET => "/$r[0]{id}");
	is($r->{status}, 404, 'gone');
	like($r->{json}{error}{message}, qr/^Response with id/,
	    'as the provider says');
	is(call(GET => '/resp_unheard')->{status}, 404, 'of nobody');
};

subtest 'in the background' => sub {
	my $b = ask('long', background => JSON::PP::true);
	is($b->{status}, 'queued', 'begun');
	is(call(GET => "/$b->{id}")->{json}{status}, 'queued', 'looked at');
	my $r = call(GET => "/$b->{id}?stream=true&starting_after=3");
	is($r->{headers}{'content-type'}, 'text/event-stream', 'streamed');
	is($r->{body}, "event: x\ndata: 1\n\nevent: y\ndata: 2\n\n",
	    'byte for byte');
	is(call(POST => "/$b->{id}/cancel", {})->{json}{status}, 'cancelled',
	    'cancelled');
	$b = ask('cut', background => JSON::PP::true);
	$r = call(GET => "/$b->{id}?stream=true");
	like($r->{body}, qr/^event: x\ndata: 1\n\nevent: error\ndata: /,
	    'a provider that breaks off is told of');
};

subtest 'kept here and there' => sub {
	my $here = call(POST => '', { model => 'a', input => 'hello' })->{json};
	$up->forget;
	my $on = ask('go on', previous_response_id => $here->{id});
	my $b = Upstream::json_of((asked())[-1]);
	ok(!exists $b->{previous_response_id}, 'what is kept here is told');
	is_deeply([ map { $_->{role} } @{ $b->{input} } ],
	    [qw(user assistant user)], '... whole');
	ask('and on', previous_response_id => $on->{id});
	my $r = call(POST => '', { model => 'a', input => 'x',
	    previous_response_id => $on->{id} });
	is($r->{status}, 400, 'what is kept there cannot go elsewhere');
	is($r->{json}{error}{code}, 'previous_response_not_found', '... so');
};

subtest 'after a restart' => sub {
	my @r = map { ask("stay $_") } 1 .. 4;
	$g->stop;
	$g->start;
	ask('still', previous_response_id => $_->{id}) for @r;
	is(call(GET => "/$_->{id}")->{status}, 200, 'known') for @r;
};

subtest 'tenants' => sub {
	my $ad = Admind->new($g->{home}, file => $g->{file});
	my $old = ask('nobody');
	$ad->set_up;
	my @key = map { my $t = $ad->call(POST => '/api/v1/tenants', { name =>
	    $_ })->{json}{id}; $ad->call(POST => '/api/v1/client-keys', {
	    name => $_, tenant_id => $t })->{json}{key} } qw(one two);
	ok($g->known, 'two tenants');
	@head = ('x-api-key' => $key[0]);
	my $mine = ask('mine');
	is(call(GET => "/$mine->{id}")->{status}, 200, "one's own");
	ask('on', previous_response_id => $mine->{id});
	@head = ('x-api-key' => $key[1]);
	$up->forget;
	is(call(GET => "/$_")->{status}, 404, "not another's")
	    for $mine->{id}, $old->{id};
	is(call(DELETE => "/$mine->{id}")->{status}, 404, 'nor deleted');
	is(call(POST => "/$mine->{id}/cancel", {})->{status}, 404,
	    'nor cancelled');
	is(call(POST => '', { model => 'm', input => 'x',
	    previous_response_id => $mine->{id} })->{status}, 400,
	    'nor gone on from');
	is(scalar(asked()), 0, 'the provider is not even asked');
	$ad->finish;
};

$g->finish;
done_testing;
