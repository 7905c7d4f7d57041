#!/usr/bin/perl

# proxyctl route: what it says is what happens, with proxyd running and without;
# what rests a key counts while it runs; wrong input.

use strict;
use warnings;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;

my $up = Upstream->new(sub {
	my ($rq) = @_;
	return [reply => 401, { 'Content-Type' => 'application/json' },
	    '{"error":{"message":"no"}}'] if ($rq->{headers}{authorization} //
	    '') =~ /bad/;
	return answer_for($rq);
});
my $base = $up->base;
my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
PROVIDERS:
  one: { dialect: openai-chat, base_url: "$base/v1", keys: [sk-bad-000001] }
  two: { dialect: anthropic, base_url: "$base", keys: [sk-two-000002] }
  free: { dialect: openai-chat, base_url: "$base/v1", keyless: true }
RETRY_TRIES: 2
EOT
my $ctl = Ctl->new($g->{home});
my %rule = (
	long => [ { tokens => { above => 400 } }, { provider => 'free',
	    model => 'roomy' } ],
	words => [ { keywords => { any => ["\x{4f60}\x{597d}"] } },
	    { provider => 'two', model => 'claude-w' } ],
	tools => [ { has => ['tools'] }, { provider => 'free',
	    model => 'handy' } ],
	blue => [ { header => { 'x-team' => 'blue*' } }, { provider => 'free',
	    model => 'blue' } ],
	stream => [ { stream => \1, model => 'r' }, { provider => 'free',
	    model => 'flow' } ],
	rest => [ { model => 'rest*' }, { provider => 'one', model => 'm' },
	    { provider => 'two', model => 'claude-x' } ],
);
my $pos = 0;
for my $name (qw(long words tools blue stream rest)) {
	my ($match, @to) = @{ $rule{$name} };
	$g->sql('INSERT INTO rules (pos, name, match, targets, strategy, ' .
	    'affinity) VALUES (' . ++$pos . ", '$name', '" .
	    json_text($match) . "', '" . json_text(\@to) .
	    "', 'ordered', 1)");
}
$g->sql('UPDATE meta SET generation = generation + 1');
ok($g->known, 'published');

sub body {
	my (%o) = @_;
	return json_text({ model => 'r', max_tokens => 9, messages => [ {
	    role => 'user', content => 'hello' } ], %o });
}

sub dry {
	my ($body, @args) = @_;
	my ($r, $out, $err) = $ctl->feed($body, 'route', '--json', @args);
	is($r, 0, 'it tells') or diag $err;
	return eval { decode_json($out) } // {};
}

# What is foretold, and what the row says afterwards.
my $tool = { type => 'function', function => { name => 't', parameters =>
    { type => 'object' } } };
for (
    ['long', {}, messages => [ { role => 'user', content => 'word ' x 900 } ]],
    ['words', {}, messages => [ { role => 'user', content =>
	"so: \x{4f60}\x{597d}" } ]],
    ['tools', {}, tools => [$tool]],
    ['blue', { 'X-Team' => 'blue-7' }],
    ['stream', {}, stream => \1],
    ['rest', {}, model => 'rest-1'],
    ['family', {}, model => 'mock-echo']) {
	my ($want, $headers, %o) = @$_;
	my $body = body(%o);
	my $d = dry($body, map { ('--header', "$_: $headers->{$_}") }
	    keys %$headers);
	is($d->{route}, $want, "$want: the route");
	my $t = $d->{targets}[$d->{chosen} // 0];
	ok(!grep({ !$_->{matched} && !$_->{why} } @{ $d->{rules} }),
	    "$want: every rule tried says why not");
	my $n = $g->rows;
	is(Client->once($g->port, POST => '/v1/chat/completions', $headers,
	    $body)->{status}, 200, "$want: asked");
	ok($g->settled, 'settled');
	my $row = (sort { $a->{time_us} <=> $b->{time_us} } $g->rows)[-1];
	is($row->{route}, $want, "$want: it goes there");
	next if $want eq 'rest';
	is("$row->{provider} $row->{model_sent}", "$t->{provider} $t->{model}",
	    "$want: to that target");
}

subtest 'what rests a key' => sub {
	my $d = dry(body(model => 'rest-1'));
	is($d->{targets}[0]{keys}[0]{state}, 'parked', 'is known');
	ok($d->{targets}[0]{keys}[0]{for_ms} > 1000, 'and for how long');
	is($d->{chosen}, 1, 'the next target it is');
	my ($out) = $ctl->feed(body(model => 'rest-1'), 'route');
	my ($r, $text) = $ctl->feed(body(model => 'rest-1'), 'route');
	like($text, qr/^  then   one m .*\n +key \d+ \S+: parked for \d+ s\n/m,
	    'told to people');
	like($text, qr/^target   two claude-x /m, 'and the one that is next');
	unlike($text, qr/sk-bad-000001|sk-two-000002/, 'no key is shown');
};

subtest 'wrong input' => sub {
	for (['{', qr/not valid JSON: .* at byte/],
	    ['{"model":"r","messages":3}', qr/messages/],
	    ['{}', qr/has its model in the path/, '--dialect',
	    'gemini'],
	    ['{}', qr/no client key 'nobody'/, '--client-key', 'nobody'],
	    ['{}', qr/no tenant 'nobody'/, '--tenant', 'nobody'],
	    ['{}', qr/expected 'name: value'/, '--header', 'x'],
	    ['{}', qr/unknown dialect 'gemin', did you mean 'gemini'/,
	    '--dialect', 'gemin'],
	    ['{}', qr/no path/, '--path', '/v1/else'],
	    ['', qr/cannot read .*nothing/, '/nothing']) {
		my ($in, $re, @args) = @$_;
		my ($r, $out, $err) = $ctl->feed($in, 'route', @args);
		is($r, 1, "refused: @args");
		like($err, $re, 'and why');
		is($out, '', 'and nothing else');
	}
};

subtest 'disabled rules' => sub {
	my ($out, $err) = ('', '');
	is(($ctl->feed('', qw(routes disable words)))[0], 0, 'one is disabled');
	my ($d) = dry(body());
	is_deeply([ map { "$_->{rule} " . ($_->{why} // '') } grep {
	    $_->{rule} eq 'words' } @{ $d->{rules} } ], ['words disabled'],
	    'it is told of');
	like(($ctl->feed(body(), 'route'))[1], qr/words: no, disabled$/m,
	    'to people, too');
};

subtest 'in service' => sub {
	my $bad = 0;
	for my $i (1 .. 4) {
		my ($r, $out, $err) = $ctl->feed('', 'models', 'create',
		    '--route-key', "new-$i", '--target-model', 'mock-echo',
		    '--provider', 'mock');
		is($r, 0, 'a model is made') or diag $err;
		$bad += Client->once($g->port, POST => '/v1/chat/completions',
		    {}, body(model => "new-$i"))->{status} != 200 for 1 .. 4;
	}
	is($bad, 0, 'every worker has it when proxyctl returns');
	($bad, my %ours) = (0);
	for my $name ('now', 'later') {
		my ($r, $out) = $ctl->feed('', 'client-keys', 'create',
		    '--json', '--name', $name);
		%ours = (Authorization => 'Bearer ' . decode_json($out)
		    ->{key});
		$bad += Client->once($g->port, POST => '/v1/chat/completions',
		    \%ours, body(model => 'new-2'))->{status} != 200 for 1 .. 4;
		$bad += Client->once($g->port, POST => '/v1/chat/completions',
		    {}, body(model => 'new-2'))->{status} != 401 for 1 .. 4;
	}
	is($bad, 0, 'also of client keys');
	is(($ctl->feed('', 'client-keys', 'delete', $_))[0], 0, 'gone')
	    for 'now', 'later';
	is(Client->once($g->port, POST => '/v1/chat/completions', {},
	    body(model => 'new-2'))->{status}, 200, 'at once');
	my $pid = $g->status->{worker}[0]{pid};
	kill 'STOP', $pid;
	my ($r, $out, $err) = $ctl->feed('', qw(models delete new-1));
	kill 'CONT', $pid;
	is($r, 0, 'done');
	like($err, qr/done, but proxyd does not serve by it yet/,
	    'and a worker that does not follow is told of');
};

subtest 'limits' => sub {
	my %key;
	for my $name (qw(rate money)) {
		my ($r, $out) = $ctl->feed('', 'client-keys', 'create',
		    '--json', '--name', $name, $name eq 'rate' ? ('--rpm', 1) :
		    ('--budget-total', '0.000001'));
		is($r, 0, "client key $name");
		$key{$name} = decode_json($out)->{key};
	}
	is(($ctl->feed('', qw(prices set paid --input 3 --output 9)))
	    [0], 0, 'a price');
	ok($g->known, 'published');
	my $live = sub {
		my ($name, %o) = @_;
		my $r = Client->once($g->port, POST => '/v1/chat/completions',
		    { Authorization => "Bearer $key{$name}" }, body(%o));
		return ($r->{status}, eval { decode_json($r->{body})
		    ->{error}{message} } // '');
	};
	my @stream = (stream => JSON::PP::true, model => 'mock-echo');
	my $d = dry(body(@stream), '--client-key', 'rate');
	is($d->{chosen}, 0, 'one request may come');
	is(($live->('rate', @stream))[0], 200, 'and it does');
	$d = dry(body(@stream), '--client-key', 'rate');
	is($d->{error}{status}, 429, 'the next would be refused');
	ok($d->{error}{retry_after} > 1, 'told until when');
	is($d->{targets}[0]{provider}, 'mock', 'the target is told all the same');
	is_deeply([ $live->('rate', @stream) ], [ 429, $d->{error}{message} ],
	    'and it is, in these words');
	$g->sql("UPDATE rules SET targets = '[{\"provider\":\"free\",\"model\":" .
	    "\"paid\"}]' WHERE name = 'rest'");
	$g->sql('UPDATE meta SET generation = generation + 1');
	ok($g->known, 'published');
	$d = dry(body(model => 'rest-1'), '--client-key', 'money');
	is($d->{error}{status}, 402, 'more than the budget');
	is_deeply([ $live->('money', model => 'rest-1') ], [ 402,
	    $d->{error}{message} ], 'in the same words');
	$g->sql("UPDATE rules SET targets = '" . json_text([ $rule{rest}[1],
	    $rule{rest}[2] ]) . "' WHERE name = 'rest'");
};

$g->finish;
subtest 'with the daemon down' => sub {
	my $d = dry(body(model => 'rest-1'));
	is($d->{route}, 'rest', 'by the database');
	is($d->{targets}[0]{keys}[0]{state}, 'active', 'what rests is unknown');
};
done_testing;
