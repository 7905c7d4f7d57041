#!/usr/bin/perl

# Bodies in bodies.db: all four sides with every attempt, masked, cut, sampled,
# and only where they are asked for; a logger that dies in between loses none.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

my $n = 0;
my $media = 'QUJD' x 400;
my $up = Upstream->new(sub {
	my ($rq) = @_;
	my $body = Upstream::body_of($rq);
	my $json = { 'Content-Type' => 'application/json' };

	return [reply => 429, $json, '{"error":{"message":"slow down, ' .
	    $rq->{headers}{authorization} . '","type":"x"}}'],
	    if $body =~ /first fails/ && !$n++;
	return [reply => 400, $json, '{"error":{"message":"bad","type":"y"}}']
	    if $body =~ /always fails/;
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    (map { [chunk => 'data: ' . encode_json({ id => 'c', object =>
	    'chat.completion.chunk', created => 1, model => 'm', choices =>
	    [{ index => 0, delta => { content => "piece $_ " },
	    finish_reason => $_ == 3 ? 'stop' : undef }] }) . "\n\n"],
	    [sleep => 0.05] } 1 .. 3), [chunk => "data: [DONE]\n\n"], ['last']
	    if $body =~ /"stream":\s*true/;
	return [reply => 200, $json, encode_json({ id => 'c', object =>
	    'chat.completion', created => 1, model => 'm', choices => [{
	    index => 0, message => { role => 'assistant', content => 'fine' },
	    finish_reason => 'stop' }] })];
});

sub gateway {
	my ($more, %o) = @_;

	return Gateway->new(%o, config => <<"EOT");
PROVIDERS:
  up:
    dialect: openai-chat
    base_url: ${\$up->base}
    default_model: m
API_KEY_POOLS:
  up: [sk-very-secret-0001, sk-very-secret-0002]
PREFERRED_PROVIDER: up
$more
EOT
}

sub ask {
	my ($g, $text, %more) = @_;
	my $r = Client->new($g->port)->request(POST => '/v1/messages', {},
	    { model => 'm', max_tokens => 9, messages => [{ role => 'user',
	    content => $text }], %more })->response;
	return $r->{headers}{'x-proxyd-request-id'};
}

sub rows {
	my ($g, $sql) = @_;
	my $out = `sqlite3 -json -cmd '.timeout 5000' $g->{home}/bodies.db "$sql" 2>&1`;
	# The file is there a moment before its tables are.
	return $out =~ /^\s*$|no such table/ ? () : @{ JSON::PP->new->utf8->decode($out) };
}

sub sides {
	my ($g, $id) = @_;

	$g->wait_for(sub { -e "$g->{home}/bodies.db" && rows($g, "SELECT 1 AS a
	    FROM captures WHERE request_id = '$id'") });
	return map { +{ %$_, data => pack 'H*', $_->{data} } } rows($g,
	    "SELECT side, attempt, status, type, size, hex(data) AS data,
	    length(offsets) AS offsets FROM sides s JOIN captures c ON
	    c.id = s.capture_id WHERE request_id = '$id'
	    ORDER BY side, attempt");
}

my $g = gateway("LOG_BODIES: all\nLOG_BODY_MAX: 2KiB");
my $id = ask($g, "first fails with sk-ant-user-typed-0123456789");
my @s = sides($g, $id);
is(join(' ', map { "$_->{side}.$_->{attempt}" } @s),
    '0.0 1.0 1.1 2.0 2.1 3.0', 'four sides, two attempts');
like($s[0]{data}, qr/"max_tokens"/, "the client's request");
like($s[1]{data}, qr/"max_(completion_)?tokens"/, 'what the provider got');
is_deeply([map { $_->{status} } @s], [0, 0, 0, 429, 200, 200], 'statuses');
like($s[5]{data}, qr/"type":\s*"message"/, 'what the client got');
like($s[3]{data}, qr/slow down/, 'what the first attempt got');
unlike(join('', map { $_->{data} } @s), qr/very-secret|user-typed/,
    'no key in any of them');
ok(!grep({ !eval { decode_json($_->{data}) } } @s), 'all of them JSON');

$id = ask($g, 'tell', stream => JSON::PP::true);
@s = sides($g, $id);
cmp_ok($s[3]{offsets}, '>=', 6, 'the pieces of a stream have their times');
like($s[3]{data}, qr/event: message_stop/, 'the whole stream');

$id = ask($g, [{ type => 'image', source => { type => 'base64',
    media_type => 'image/png', data => $media } },
    { type => 'text', text => 'x' x 3000 }]);
@s = sides($g, $id);
cmp_ok($s[0]{size}, '>', 4000, 'the size that it had');
cmp_ok(length $s[0]{data}, '<', 2048, 'cut');
unlike($s[0]{data}, qr/QUJDQUJDQUJD/, 'no media');
like($s[0]{data}, qr/\[base64, \d+\]/, 'but its length');

my ($logger) = $g->status->{logger} =~ /^(\d+)/;
kill 'STOP', $logger;
my @ids = map { ask($g, "number $_") } 1 .. 20;
ok(glob("$g->{home}/capture/*.cap"), 'they wait in a directory');
kill 'KILL', $logger;
ok($g->wait_for(sub { my ($r) = rows($g, 'SELECT count(*) AS n FROM
    captures'); $r->{n} == 23 }, 20), 'a logger killed: none is lost');
ok($g->wait_for(sub { !glob "$g->{home}/capture/*" }), 'none is left');
is($g->status->{stat}{captures}, 23, 'all counted');
is((stat "$g->{home}/bodies.db")[2] & 07777, 0600, 'for their owner alone');
$g->{allow} = qr/was killed by signal 9/;
$g->finish;

$g = gateway("LOG_BODIES: errors");
ask($g, 'good');
$id = ask($g, 'always fails');
@s = sides($g, $id);
is(scalar @s, 4, 'an error is kept');
my ($r) = rows($g, 'SELECT count(*) AS n FROM captures');
is($r->{n}, 1, 'and nothing else');
$g->finish;

$g = gateway("LOG_BODIES: all\nLOG_BODY_SAMPLE: 0");
ask($g, 'good') for 1 .. 3;
sides($g, ask($g, 'always fails'));
($r) = rows($g, 'SELECT count(*) AS n FROM captures');
is($r->{n}, 1, 'a sample of none keeps the errors');
$g->finish;

$g = gateway('');
ask($g, 'good');
$g->finish;
ok(!-e "$g->{home}/bodies.db" && !-e "$g->{home}/capture",
    'off by default: nothing is written');

done_testing;
