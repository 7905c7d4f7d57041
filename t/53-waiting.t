#!/usr/bin/perl

# A provider that is silent before its first content: the head and signs of life
# go out, other attempts stay open, and what fails then is an error event of the
# dialect.  One that does not end after its finish reason is ended for.  Usage is
# asked for, and shown to who asked.

use strict;
use warnings;
use Client;
use Gateway;
use IO::Socket::INET;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %sse = ('Content-Type' => 'text/event-stream');
my %json = ('Content-Type' => 'application/json');
my %path = (chat => '/v1/chat/completions', anthropic => '/v1/messages',
    responses => '/v1/responses',
    gemini => '/v1beta/models/MODEL:streamGenerateContent?alt=sse');

# The model's name says what the provider does.
my %tried;
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $b = eval { Upstream::json_of($req) } // {};
	my $model = $b->{model} // ($req->{path} =~ m{models/([^:]+)})[0];
	my $all = $req->{path} =~ /chat/ ? chat_sse() :
	    $req->{path} =~ /messages/ ? anthropic_sse() : gemini_sse();
	my $over = [reply => 503, \%json,
	    '{"error":{"message":"too busy now"}}'];

	return ([sleep => 0.3], $over) if $model =~ /-fail/;
	return $tried{$model}++ % 2 == 0 ? ([sleep => 0.65], $over) : ([head => 200, \%sse],
	    [chunk => $all], ['last']) if $model =~ /-retry/;
	my $cut = $all =~ s/(data: \[DONE\]|event: message_stop).*//sr;
	my $beat = $req->{path} =~ /messages/ ?
	    "event: ping\ndata: {\"type\":\"ping\"}\n\n" : ": beat\n\n";
	return ([head => 200, \%sse], [chunk => $cut],
	    map { ([sleep => 0.2], [chunk => $beat]) } 1 .. 200)
	    if $model =~ /-beat/;
	return ([head => 200, \%sse], [chunk => $cut], ['last'])
	    if $model =~ /-short/;
	return ([head => 200, \%sse], [chunk => $all], [chunk =>
	    $req->{path} =~ /messages/ ? anthropic_sse() : chat_sse()],
	    ['last']) if $model =~ /-twice/;
	return ([head => 200, \%sse], [drip => $all, 40], ['last']);
});
my $conf = config_for($up, "KEEPALIVE: 200ms\n") =~
    s/(    base_url: .*\n)/$1    idle_timeout: 700ms\n/gr;
my $g = Gateway->new(config => $conf);
my $asked = 0;

sub ask {
	my ($d, $model, %more) = @_;
	my $path = $path{$d} =~ s/MODEL/$model/r;

	$asked++;
	return Client->once($g->port, POST => $path, {}, $d eq 'gemini' ?
	    { contents => [ { parts => [ { text => 'x' } ] } ] } :
	    $d eq 'responses' ? { model => $model, stream => \1,
	    input => 'x' } : { model => $model, stream => \1,
	    max_tokens => 9, messages => [ { role => 'user',
	    content => 'x' } ], %more });
}

sub count { my $n = () = $_[0] =~ /$_[1]/g; return $n }

my @target = qw(gpt claude gemini);
for my $d (qw(chat anthropic responses)) {
	for my $m (@target) {
		next if "$d-$m" eq 'responses-gpt';	# no answer is scripted
		my $r = ask($d, "$m-x-retry");
		my $n = "pitfall-09: $d of $m";
		is($r->{status}, 200, "$n: the head goes out");
		ok($r->{complete}, "$n: complete");
		cmp_ok(count($r->{body}, qr/^: keep-alive\n\n/m), '>=', 2,
		    "$n: comments while nothing comes");
		like($r->{body}, qr/Bonjour/, "$n: the next key answers");
		unlike($r->{body}, qr/too busy/, "$n: no error is seen");
		$r = ask($d, "$m-x-fail");
		is($r->{status}, 200, "$n: a failure comes under 200");
		my @ev = Client::events($r->{body});
		my ($e) = grep { $_->{json} && (($_->{json}{error} ||
		    ($_->{json}{type} // '') =~ /error|failed/)) } @ev;
		ok($e, "$n: an error event");
		like($r->{body}, qr/too busy now/, "$n: it says what failed");
		is($e->{event} // '', $d eq 'chat' ? '' : $d eq 'anthropic' ?
		    'error' : $e->{event} // '?', "$n: the dialect's own");
	}
}
my $r = ask('gemini', 'gpt-x-fail');
is($r->{status}, 503, 'pitfall-09: a Gemini stream has no early head');
unlike($r->{body}, qr/keep-alive/, 'pitfall-09: and no comments');

for my $d (qw(chat anthropic responses gemini)) {
	for my $m (@target) {
		for my $how (qw(beat short twice)) {
			next if "$m-$how" eq 'gemini-twice' ||
			    "$d-$m" eq 'responses-gpt';
			$r = ask($d, "$m-x-$how");
			my $n = "pitfall-06: $d of $m, $how";
			ok($r->{complete}, "$n: it ends");
			my $end = $d eq 'chat' ? qr/^data: \[DONE\]$/m :
			    $d eq 'anthropic' ? qr/^event: message_stop$/m :
			    $d eq 'responses' ?
			    qr/^event: response.completed$/m :
			    qr/"finishReason"/;
			is(count($r->{body}, $end), 1, "pitfall-13: $n: one " .
			    'end') or diag $r->{body};
			unlike($r->{body}, qr/"error":\s*\{/, "$n: no error");
		}
	}
}

for my $m (@target) {
	for my $opt (undef, { include_usage => \0, extra => 1 }) {
		my %o = $opt ? (stream_options => $opt) : ();
		$r = ask('chat', "$m-x", %o);
		my $n = "pitfall-10: chat of $m" . ($opt ? ', refused' : '');
		my ($sent) = reverse grep { $_->{event} eq 'request' }
		    $up->requests;
		ok(Upstream::json_of($sent)->{stream_options}{include_usage},
		    "$n: asked for") if $m eq 'gpt';
		unlike($r->{body}, qr/prompt_tokens/, "$n: not shown");
		like($r->{body}, qr/\[DONE\]/, "$n: whole");
		$g->settled($asked);
		my ($row) = $g->sql('SELECT input AS i, ' .
		    'output AS o FROM requests ORDER BY id DESC ' .
		    'LIMIT 1');
		is("$row->{i} $row->{o}", '12 5', "$n: in the log");
	}
	my ($first) = grep { $_->{json} && @{ $_->{json}{choices} } }
	    Client::events($r->{body});
	is($first->{json}{choices}[0]{delta}{role}, 'assistant',
	    "pitfall-14: chat of $m: the first delta has the role");
	my @reason = grep { defined } map { $_->{json} ? map {
	    $_->{finish_reason} } @{ $_->{json}{choices} } : () }
	    Client::events($r->{body});
	is("@reason", 'stop', "pitfall-05: chat of $m: one reason");
	$r = ask('chat', "$m-x", stream_options => { include_usage => \1 });
	like($r->{body}, qr/"prompt_tokens": ?12/,
	    "pitfall-10: chat of $m: shown to who asked");
}
$g->finish;

# A client that leaves while it is told to wait: the provider is let go at once,
# and no other key is tried.
my $mute = Upstream->new(sub { [hang => 1] });
$g = Gateway->new(config => config_for($mute, "KEEPALIVE: 200ms\n"));
my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $g->port);
my $b = json_text({ model => 'gpt-x', stream => \1, messages => [ {
    role => 'user', content => 'x' } ] });
print $s "POST $path{chat} HTTP/1.1\r\nHost: localhost\r\n" .
    'Content-Length: ' . length($b) . "\r\n\r\n$b";
my $got = '';
while (count($got, qr/keep-alive/) < 2) {
	sysread $s, $got, 4096, length $got or last;
}
is(count($got, qr/keep-alive/), 2, 'pitfall-45: it waits');
close $s;
ok($g->settled(1), 'pitfall-45: the row is written');
my ($row) = $g->sql('SELECT close, attempts FROM requests');
is("$row->{close} $row->{attempts}", 'client left 1', 'pitfall-45: it says so');
is(scalar(grep { $_->{event} eq 'closed' } $mute->requests), 1,
    'pitfall-45: the provider is let go');
$g->finish;
done_testing;
