#!/usr/bin/perl

# What stands in heads: limits, times and ids of the provider in the client's
# words; bodies that come packed though nobody asked; Claude Code's account of
# itself, which is for Anthropic alone; and what clients ask beside the API.

use strict;
use warnings;
use Client;
use Gateway;
use IO::Compress::Deflate qw(deflate);
use IO::Compress::Gzip qw(gzip);
use JSON::PP;
use Scripts;
use Test::More;
use Time::Local qw(timegm);
use Upstream;

my %json = ('Content-Type' => 'application/json');
my %sse = ('Content-Type' => 'text/event-stream');

sub stamp { my @t = gmtime(time + $_[0]); sprintf '%04d-%02d-%02dT%02d:%02d' .
    ':%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0] }
sub http_date { my @t = gmtime(time + $_[0]);
    sprintf '%s, %02d %s %04d %02d:%02d:%02d GMT',
    (qw(Sun Mon Tue Wed Thu Fri Sat))[$t[6]], $t[3], (qw(Jan Feb Mar Apr May
    Jun Jul Aug Sep Oct Nov Dec))[$t[4]], $t[5] + 1900, @t[2, 1, 0] }

sub openai_limits { ('x-request-id' => 'req_of_openai',
    'x-ratelimit-limit-requests' => 5000, 'x-ratelimit-remaining-requests' =>
    4999, 'x-ratelimit-reset-requests' => '1h0m30.5s',
    'x-ratelimit-limit-tokens' => 90000, 'x-ratelimit-remaining-tokens' =>
    'many', 'x-ratelimit-reset-tokens' => 'soon') }

sub anthropic_limits { ('request-id' => 'req_of_anthropic',
    'anthropic-ratelimit-requests-limit' => 50,
    'anthropic-ratelimit-requests-remaining' => 49,
    'anthropic-ratelimit-requests-reset' => stamp(95),
    'anthropic-ratelimit-tokens-limit' => 80000,
    'anthropic-ratelimit-tokens-remaining' => 79000,
    'anthropic-ratelimit-tokens-reset' => 'whenever') }

sub packed {
	my ($how, $text) = @_;
	my $out;

	for (split /-/, $how) {
		if ($_ eq 'gzip') {
			gzip(\$text => \$out);
		} else {
			deflate(\$text => \$out);
		}
		$text = $out;
	}
	return $text;
}

# A hundred megabytes of a space in a hundred kilobytes.
sub bomb {
	my $text = '{"x":"' . ' ' x (100 << 20);
	my $out;

	gzip(\$text => \$out);
	return $out;
}

sub claude_error { json_text({ type => 'error', error => { type =>
    'rate_limit_error', message => 'slow' }, request_id => 'req_of_anthropic'
    }) }

# The model's name says what comes back.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $path = $req->{path};
	my $body = Upstream::json_of($req);
	my $model = $body->{model} // ($path =~ m{models/([^:]+)})[0];
	my $claude = $path =~ /messages/;
	my $text = $path =~ /chat/ ? chat_body() : $claude ? anthropic_body() :
	    gemini_body();
	my $events = $path =~ /chat/ ? chat_sse() : $claude ?
	    anthropic_sse() : gemini_sse();

	if ($model =~ /limits/) {
		return [reply => 200, { %json, $claude ? anthropic_limits() :
		    openai_limits() }, $text];
	} elsif ($model =~ /ms-429/) {
		return [reply => 429, { %json, 'retry-after-ms' => 1500,
		    'x-should-retry' => 'true', $claude ? anthropic_limits() :
		    openai_limits() }, $claude ? claude_error() : json_text({
		    error => { message => 'slow', type => 'x', param => undef,
		    code => undef } })];
	} elsif ($model =~ /date-429/) {
		return [reply => 429, { %json, 'Retry-After' =>
		    http_date(30) }, claude_error()];
	} elsif ($model =~ /info-429/) {
		return [reply => 429, \%json, json_text({ error => { code =>
		    429, message => 'slow', status => 'RESOURCE_EXHAUSTED',
		    details => [ { '@type' => 'type.googleapis.com/google.' .
		    'rpc.RetryInfo', retryDelay => '11.2s' } ] } })];
	} elsif ($model =~ /pack-([a-z-]+)/) {
		my $how = $1;
		(my $name = $how) =~ s/-/, /g;
		return [reply => 200, { %json, 'Content-Encoding' => $name },
		    packed($how, $text)] unless $body->{stream} ||
		    $path =~ /stream/;
		return ([head => 200, { %sse, 'Content-Encoding' => $name }],
		    [drip => packed($how, $events), 7], ['last']);
	} elsif ($model =~ /bomb/) {
		return [reply => 200, { %json, 'Content-Encoding' => 'gzip' },
		    bomb()];
	} elsif ($model =~ /strange/) {
		return [reply => 200, { %json, 'Content-Encoding' =>
		    'quantum' }, $text];
	} elsif ($model =~ /numbered/) {
		return ([head => 200, \%sse], [chunk => join '', map {
		    'data: ' . json_text($_) . "\n\n" } { type =>
		    'response.created', sequence_number => 0, response => {
		    id => 'resp_1', object => 'response', created_at => 1,
		    status => 'in_progress', output => [] } }, { type =>
		    'response.output_item.added', sequence_number => 1,
		    output_index => 0, item => { id => 'msg_1', type =>
		    'message', role => 'assistant', status => 'in_progress',
		    content => [] } }, { type =>
		    'response.content_part.added', sequence_number => 2,
		    item_id => 'msg_1', output_index => 0, content_index => 0,
		    part => { type => 'output_text', text => '', annotations
		    => [] } }, map { { type => 'response.output_text.delta',
		    sequence_number => $_, item_id => 'msg_1', output_index =>
		    0, content_index => 0, delta => 'x' } } 3 .. 40],
		    ['close']);
	} elsif ($model =~ /long/) {
		$text =~ s/Bonjour/'y' x (3 << 20)/e;
		return [reply => 200, \%json, $text];
	} elsif ($model =~ /cut/) {
		return ([head => 200, \%sse], [chunk => substr $events, 0,
		    700], ['close']);
	}
	return answer_for($req);
});
my $base = $up->base;
my @models = qw(limits ms-429 date-429 info-429 pack-gzip pack-deflate
    pack-deflate-gzip bomb strange plain numbered cut long);
my $g = Gateway->new(config => <<"EOT");
PREFERRED_PROVIDER: oc
RETRY_TRIES: 1
COOLDOWN: 0
PROVIDERS:
@{[ join '', map { my ($p, $d) = @$_; "  $p: { dialect: $d, base_url: " .
    "\"$base\", keys: [" . join(', ', map { "\"sk-$p-secret-key-$_\"" } 10 .. 39)
    . "] }\n" } ['oc', 'openai-chat'], ['re', 'openai-responses'], ['an',
    'anthropic'], ['ge', 'gemini'] ]}
MODELS:
@{[ join '', map { my $p = $_; map { "  - { route_key: $p-$_, " .
    "target_model: x-$_, provider: $p }\n" } @models } qw(oc re an ge) ]}
EOT
my $rows = 0;

sub ask {
	my ($from, $model, %o) = @_;
	my $path = $from eq 'oc' ? '/v1/chat/completions' : $from eq 'an' ?
	    '/v1/messages' : $from eq 're' ? '/v1/responses' :
	    "/v1beta/models/$model:" . ($o{stream} ?
	    'streamGenerateContent?alt=sse' : 'generateContent');
	my $body = $from eq 'ge' ? { contents => [ { role => 'user', parts =>
	    [ { text => 'x' } ] } ] } : $from eq 're' ? { model => $model,
	    input => 'x', $o{stream} ? (stream => \1) : () } : { model =>
	    $model, max_tokens => 9, messages => [ { role => 'user',
	    content => 'x' } ], $o{stream} ? (stream => \1) : (),
	    %{ $o{more} // {} } };

	$rows++;
	return Client->once($g->port, POST => $path, {}, json_text($body));
}

subtest 'limits' => sub {
	my $h = ask('oc', 'an-limits')->{headers};
	is($h->{'x-ratelimit-limit-requests'}, 50, 'a limit');
	is($h->{'x-ratelimit-remaining-requests'}, 49, 'what is left');
	like($h->{'x-ratelimit-reset-requests'}, qr/^1m(3[0-5])s$/,
	    'a time becomes a duration');
	is($h->{'x-ratelimit-remaining-tokens'}, 79000, 'tokens, too');
	ok(!exists $h->{'x-ratelimit-reset-tokens'}, 'nonsense does not');
	ok(!grep({ /^anthropic/ } keys %$h), 'in no other words');
	is($h->{'x-request-id'}, 'req_of_anthropic', "the provider's id");
	like($h->{'x-proxyd-request-id'}, qr/^req_\w{20}/, 'and ours');
	$h = ask('an', 'oc-limits')->{headers};
	is($h->{'anthropic-ratelimit-requests-limit'}, 5000, 'a limit');
	is($h->{'anthropic-ratelimit-requests-remaining'}, 4999,
	    'what is left');
	my $at = $h->{'anthropic-ratelimit-requests-reset'} // '';
	my @t = $at =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;
	ok(@t, 'a duration becomes a time') or diag $at;
	my $left = timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]) - time;
	ok($left > 3600 && $left <= 3632, '... the right one') or diag $left;
	ok(!exists $h->{"anthropic-ratelimit-tokens-$_"}, "nonsense: no $_")
	    for qw(remaining reset);
	is($h->{'request-id'}, 'req_of_openai', "the provider's id");
	$h = ask('re', 'oc-limits')->{headers};
	is($h->{'x-ratelimit-reset-requests'}, '1h0m30.5s',
	    'between dialects of OpenAI as they are');
	$h = ask('ge', 'oc-limits')->{headers};
	ok(!grep({ /limit/ } keys %$h), 'Gemini has no such headers');
};

subtest 'when to come again' => sub {
	for my $to (qw(oc an)) {
		for my $from (qw(oc an re ge)) {
			my $r = ask($from, "$to-ms-429");
			my $h = $r->{headers};
			is($r->{status}, 429, "$from to $to");
			if ($from eq 'ge') {
				like($r->{body}, qr/"retryDelay":\s*"2s"/,
				    '... in the body');
				next;
			}
			is($h->{'retry-after-ms'}, 1500, '... to the ms');
			is($h->{'x-should-retry'}, 'true', '... and whether');
			is($h->{'retry-after'}, 2, '... in whole seconds')
			    if $from ne $to && "$from$to" ne 'reoc';
		}
	}
	my $r = ask('oc', 'an-date-429');
	like($r->{headers}{'retry-after'}, qr/^(29|30)$/, 'a date');
	$r = ask('an', 'ge-info-429');
	is($r->{headers}{'retry-after'}, 12, "Gemini's RetryInfo");
	is($r->{status}, 429, '... of a rate limit');
};

# pitfall-12
subtest 'packed though plain was asked for' => sub {
	for my $to (qw(oc an ge)) {
		my %plain = map { $_ => ask($to, "$to-plain", stream => $_) }
		    0, 1;
		for my $how (qw(gzip deflate deflate-gzip)) {
			for my $stream (0, 1) {
				my $r = ask($to, "$to-pack-$how",
				    stream => $stream);
				is($r->{status}, 200, "$to, $how");
				is($r->{body}, $plain{$stream}{body},
				    'pitfall-12: ... says the same');
				ok(!exists $r->{headers}{'content-encoding'},
				    '... plainly');
			}
		}
	}
	my $r = ask('an', 'oc-pack-gzip', stream => 1);
	like($r->{body}, qr/message_stop/, 'translated, too');
	my ($was) = $g->status->{worker}[0]{pid};
	$r = ask('oc', 'oc-bomb');
	is($r->{status}, 502, 'a bomb is an error');
	like($r->{body}, qr/larger than \d+ bytes/, '... by its size');
	is($g->status->{worker}[0]{pid}, $was, '... and no more');
	$r = ask('oc', 'oc-strange');
	is($r->{status}, 502, 'a coding that nobody knows') or
	    diag $r->{body};
};

# More than may wait for a client that reads a stream.
subtest 'whole bodies of megabytes' => sub {
	for my $from (qw(oc an)) {
		my $r = ask($from, 'oc-long');
		is($r->{status}, 200, "$from to oc");
		is(length(($r->{body} =~ /(y{9,})/)[0] // ''), 3 << 20,
		    '... all of it');
	}
};

# pitfall-48
subtest "Claude Code's account" => sub {
	my %more = (more => { system => [ { type => 'text', text =>
	    'x-anthropic-billing-header: cc_version=2.1; cch=0a1b2;' }, {
	    type => 'text', text => 'You are nice.' } ] });
	for my $to (qw(oc re ge an)) {
		my $r = ask('an', "$to-plain", %more);
		my $sent = Upstream::body_of((grep { $_->{event} eq
		    'request' } $up->requests)[-1]);
		like($sent, qr/You are nice\./, "to $to");
		if ($to eq 'an') {
			like($sent, qr/billing/, '... it goes along');
			next;
		}
		unlike($sent, qr/billing|cch=/,
		    'pitfall-48: ... it stays behind');
		like($r->{headers}{'x-proxyd-loss'} // '',
		    qr/dropped system\[0\]/, '... and that is told');
	}
};

subtest 'errors behind what was forwarded' => sub {
	my $r = ask('re', 're-numbered', stream => 1);
	my @n = map { $_->{json}{sequence_number} }
	    Client::events($r->{body});
	is_deeply(\@n, [0 .. $#n], 'numbers go on') or diag "@n";
	is($#n, 42, '... with an error and the end');
	like($r->{body}, qr/response\.failed/, '... which is one');
	$r = ask('an', 'an-cut', stream => 1);
	my ($e) = grep { $_->{event} eq 'error' } Client::events($r->{body});
	is($e->{json}{request_id}, $r->{headers}{'x-proxyd-request-id'},
	    "Anthropic's names the request");
};

subtest 'beside the API' => sub {
	my $r = Client->once($g->port, HEAD => '/');
	is($r->{status}, 200, 'HEAD /');
	is($r->{body} // '', '', '... has no body');
	$r = Client->once($g->port, GET => '/v1/responses', { Upgrade =>
	    'websocket', Connection => 'Upgrade', 'Sec-WebSocket-Version' =>
	    13, 'Sec-WebSocket-Key' => 'AAAAAAAAAAAAAAAAAAAAAA==' });
	is($r->{status}, 426, 'a WebSocket');
	$rows += 2;
	for my $key (['Authorization', 'Bearer x'], ['x-api-key', 'x'],
	    ['x-goog-api-key', 'x']) {
		for my $path ('/v1/chat/completions',
		    '/v1/messages?beta=true',
		    '/v1/messages/count_tokens?beta=true') {
			$r = Client->once($g->port, POST => $path, { @$key,
			    'anthropic-version' => '2026-10-21',
			    'anthropic-beta' => 'x-2026-01-01' }, json_text({
			    model => 'oc-plain', max_tokens => 9, messages =>
			    [ { role => 'user', content => 'x' } ] }));
			is($r->{status}, 200, "$path with $key->[0]");
			$rows++;
		}
	}
	for my $v (qw(v1 v1beta)) {
		$r = Client->once($g->port, POST =>
		    "/$v/models/oc-plain:generateContent", { 'x-goog-api-key'
		    => 'x' }, '{"contents":[{"parts":[{"text":"x"}]}]}');
		is($r->{status}, 200, "Gemini below /$v");
		$rows++;
	}
	my %kind = ('x-goog-api-key' => 'models', 'anthropic-version' =>
	    'has_more', Accept => 'object');
	for (sort keys %kind) {
		$r = Client->once($g->port, GET => '/v1/models', { $_ =>
		    'x' });
		ok(exists Client::json($r)->{ $kind{$_} },
		    "the list of models by $_");
		$rows++;
	}
};

ok($g->settled($rows), 'a row for each');
$g->finish;
done_testing;
