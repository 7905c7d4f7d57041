#!/usr/bin/perl

# Several answers to one request, from providers that give one at a time: as
# many calls, and one answer of the client's dialect, plain and as a stream.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %json = ('Content-Type' => 'application/json');
my %sse = ('Content-Type' => 'text/event-stream');

sub over { my ($s) = @_; [reply => $s, \%json,
    '{"error":{"message":"too busy now"}}'] }

sub responses_object {
	return { id => 'resp_1', object => 'response', created_at => 1,
	    status => 'completed', model => 'gpt-x', output => [ { type =>
	    'message', id => 'msg_1', role => 'assistant', status =>
	    'completed', content => [ { type => 'output_text', text =>
	    'Bonjour', annotations => [] } ] } ], usage => { input_tokens =>
	    12, output_tokens => 5, total_tokens => 17 } };
}

sub responses_sse {
	my $o = responses_object();
	my $item = $o->{output}[0];
	my $n = 0;

	return join '', map { $_->{sequence_number} = $n++;
	    "event: $_->{type}\ndata: " . json_text($_) . "\n\n" }
	    { type => 'response.created', response => { %$o, status =>
	    'in_progress', output => [], usage => undef } },
	    { type => 'response.output_item.added', output_index => 0, item =>
	    { %$item, content => [], status => 'in_progress' } },
	    { type => 'response.content_part.added', item_id => 'msg_1',
	    output_index => 0, content_index => 0, part => { type =>
	    'output_text', text => '', annotations => [] } },
	    { type => 'response.output_text.delta', item_id => 'msg_1',
	    output_index => 0, content_index => 0, delta => 'Bonjour' },
	    { type => 'response.output_text.done', item_id => 'msg_1',
	    output_index => 0, content_index => 0, text => 'Bonjour' },
	    { type => 'response.content_part.done', item_id => 'msg_1',
	    output_index => 0, content_index => 0, part =>
	    $item->{content}[0] },
	    { type => 'response.output_item.done', output_index => 0, item =>
	    $item },
	    { type => 'response.completed', response => $o };
}

# The model's name says what the second call does.
my %calls;
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $b = eval { Upstream::json_of($req) } // {};
	my $model = $b->{model} // '';
	my $n = $calls{$model}++;
	my $whole = $req->{path} =~ /responses/ ? responses_sse() :
	    anthropic_sse();

	return over(529) if $model =~ /-once/ && $n == 1;
	return over(503) if $model =~ /-never/ && $n >= 1;
	return ([sleep => 0.5], over(429)) if $model =~ /-late/;
	return ([head => 200, \%sse], [chunk => substr $whole, 0,
	    index($whole, "\n\n", index $whole, 'Bonjour') + 2], [close => 1])
	    if $model =~ /-cut/ && $n == 1 && $b->{stream};
	return [hang => 1] if $model =~ /-hang/ && $n == 1;
	return ([head => 200, \%sse], [drip => $whole, 60], ['last'])
	    if $b->{stream};
	return [reply => 200, \%json, $req->{path} =~ /responses/ ?
	    json_text(responses_object()) : anthropic_body()];
});
my $base = $up->base;
my @names = map { my $d = $_; "cut$d", map { my $w = $_; map { "$w$d$_" } 0, 1 }
    qw(x once never) } qw(chat gemini);
my $conf = config_for($up, "KEEPALIVE: 200ms\nCHOICES_MAX: 4\nMODELS:\n" .
    join '', map { "  - route_key: other-$_\n    target_model: other-$_\n" .
    "    provider: answers\n" } @names);
$conf =~ s{^PROVIDERS:\n}{PROVIDERS:
  answers:
    dialect: openai-responses
    base_url: $base
    keys: ["sk-answers-key-0000001", "sk-answers-key-0000002"]
}m;
my $g = Gateway->new(config => $conf);
my $asked = 0;

sub body_of {
	my ($d, $model, $n, $stream) = @_;
	return $d eq 'chat' ? ('/v1/chat/completions', { model => $model,
	    max_tokens => 9, n => $n, messages => [ { role => 'user',
	    content => 'x' } ], $stream ? (stream => \1, stream_options => {
	    include_usage => \1 }) : () }) :
	    ("/v1beta/models/$model:" . ($stream ?
	    'streamGenerateContent?alt=sse' : 'generateContent'),
	    { contents => [ { role => 'user', parts => [ { text => 'x' } ] } ],
	    generationConfig => { candidateCount => $n,
	    maxOutputTokens => 9 } });
}

sub ask {
	my ($d, @more) = @_;
	my ($path, $body) = body_of($d, @more);

	$asked++;
	return Client->once($g->port, POST => $path, {}, $body);
}

# Text and finish reason of each choice, and the usage, however it came.
sub answer {
	my ($d, $r, $stream) = @_;
	my (@text, @stop, $usage);

	for my $o ($stream ? map { $_->{json} // () }
	    Client::events($r->{body}) : Client::json($r)) {
		for my $c (@{ $o->{choices} // $o->{candidates} // [] }) {
			my $i = $c->{index} // 0;
			my $m = $c->{delta} // $c->{message};
			my $t = $m ? $m->{content} : join '', map {
			    $_->{text} // '' } @{ $c->{content}{parts} };
			$text[$i] .= $t // '';
			my $s = $c->{finish_reason} // $c->{finishReason};
			push @stop, "$i $s" if defined $s;
		}
		my $u = $o->{usage};
		$usage = "$u->{prompt_tokens} $u->{completion_tokens}" if $u;
		$u = $o->{usageMetadata};
		$usage = "$u->{promptTokenCount} $u->{candidatesTokenCount}"
		    if $u && defined $u->{candidatesTokenCount};
	}
	return (\@text, \@stop, $usage);
}

sub row {
	$g->settled($asked);
	return ($g->sql('SELECT input, output, attempts, close, ' .
	    'status FROM requests ORDER BY time_us DESC, id DESC LIMIT 1'))[0];
}

for my $d (qw(chat gemini)) {
	for my $target (qw(claude other)) {
		for my $stream (0, 1) {
			my $name = "$d of $target" . ($stream ?
			    ', streamed' : '');
			my $r = ask($d, "$target-x$d$stream", 3, $stream);
			is($r->{status}, 200, "$name: answered") or
			    diag $r->{body};
			ok($r->{complete}, "$name: whole");
			my ($t, $s, $u) = answer($d, $r, $stream);
			is(scalar @$t, 3, "$name: three");
			is(scalar(grep { /^Bonjour/ } @$t), 3,
			    "$name: each has its text");
			is("@$s", $d eq 'chat' ? '0 stop 1 stop 2 stop' :
			    '0 STOP 1 STOP 2 STOP', "$name: each ends once");
			is($u, '36 15', "$name: usage is the sum");
			my $row = row();
			is("$row->{input} $row->{output} $row->{attempts}",
			    '36 15 3', "$name: one row, with all calls");
			unlike($r->{headers}{'x-proxyd-loss'} // '',
			    qr/\bn\b|candidateCount/,
			    "$name: nothing is lost");
			is(() = $r->{body} =~ /\[DONE\]/g, $d eq 'chat' &&
			    $stream ? 1 : 0, "$name: one end");

			my $m = "$target-once$d$stream";
			$r = ask($d, $m, 2, $stream);
			($t) = answer($d, $r, $stream);
			is(scalar(grep { /^Bonjour/ } @$t), 2,
			    "$name: a call that fails is made again") or
			    diag $r->{body};
			is(row()->{attempts}, 3, "$name: and is in the row");

			$r = ask($d, "$target-never$d$stream", 2, $stream);
			$stream ? is($r->{status}, 200, "$name: a failure") :
			    is($r->{status}, 503, "$name: a failure");
			like($r->{body}, qr/too busy now/,
			    "$name: says what failed");
			ok($r->{complete}, "$name: is an answer");
			next unless $stream;

			$r = ask($d, "$target-cut$d", 2, 1);
			($t) = answer($d, $r, 1);
			like($t->[0], qr/^Bonjour/, "$name: cut: the first");
			like($r->{body}, qr/"error"/, "$name: cut: an error");
			is(row()->{attempts}, 2,
			    "$name: cut: none follows content");
		}
	}
}

my $r = ask('chat', 'claude-many', 5, 0);
is($r->{status}, 400, 'more than CHOICES_MAX: refused');
my $err = decode_json($r->{body})->{error};
is($err->{param}, 'n', 'names the field');
like($err->{message}, qr/CHOICES_MAX/, 'names the setting');

# The client leaves within the second call.
for my $stream (0, 1) {
	$up->forget;
	my ($path, $body) = body_of('chat', "claude-hang$stream", 3, $stream);
	my $c = Client->new($g->port);
	$c->request(POST => $path, {}, $body);
	$asked++;
	ok($g->wait_for(sub { 2 == grep { $_->{event} eq 'request' }
	    $up->requests }), 'the second call runs');
	$c->close;
	my $row = row();
	is("$row->{close} $row->{attempts}", 'client left 2',
	    'the client left: no more calls');
	is("$row->{input} $row->{output}", '12 5',
	    'what was used is in the row');
}
# The head and signs of life have gone out when the first call is refused.
$r = ask('chat', 'claude-late', 2, 1);
is($r->{status}, 200, 'early head: the status is out');
like($r->{body}, qr/^: keep-alive/, 'early head: signs of life');
my ($e) = grep { $_->{json} && $_->{json}{error} } Client::events($r->{body});
like($e->{json}{error}{message} // '', qr/too busy now/,
    'early head: the dialect\'s error event');

$g->finish;

# Many attempts: the row has room for some, and says how many more there were;
# each is counted for its key.
$conf =~ s/CHOICES_MAX: 4/CHOICES_MAX: 100/;
$conf =~ s/(sk-answers-key-0000002")/join ', ', $1, map { qq("sk-answers-more-$_") }
    1001 .. 1018/e;
$g = Gateway->new(config => $conf);
$asked = 0;
$r = ask('chat', 'other-xchat0', 100, 0);
is($r->{status}, 200, 'a hundred answers') or diag $r->{body};
is(row()->{attempts}, 100, 'so many attempts');
my ($tries) = map { decode_json($_->{attempts_json}) } $g->sql('SELECT
    attempts_json FROM requests ORDER BY id DESC LIMIT 1');
my ($more) = grep { $_->{more} } @$tries;
is($more->{more} + @$tries - 1, 100, 'the row tells of all of them');
is($more->{why}, "and $more->{more} more", '... in words');
cmp_ok(scalar @$tries, '>', 20, '... of the first ones one by one');
is($tries->[-1]{why}, 'ok', '... and of the last one');
my ($used) = $g->sql("SELECT count(*) AS keys, sum(ok) AS n FROM key_use JOIN
    keys ON keys.id = key_id JOIN providers p ON p.id = provider_id WHERE
    p.name = 'answers'");
is("$used->{keys} keys", '20 keys', 'all keys were used');
my ($all) = $g->sql("SELECT sum(attempts) AS n FROM requests WHERE provider =
    'answers'");
my ($stat) = $g->sql("SELECT sum(n) AS n FROM key_stats JOIN keys ON keys.id =
    key_id JOIN providers p ON p.id = provider_id WHERE p.name = 'answers'");
is($stat->{n}, $all->{n}, 'each attempt counts for its key');

$g->finish;
done_testing;
