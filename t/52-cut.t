#!/usr/bin/perl

# Over sockets: a provider's stream in pieces of any size says the same, and one
# that dies after any byte gives the client a whole HTTP answer, no half frame,
# an end or an error of its own dialect, and one row.

use strict;
use warnings;
use Client;
use Extract;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %stream = (chat => chat_sse(), anthropic => anthropic_sse(),
    gemini => gemini_sse());
my %dialect = (chat => 'openai-chat', anthropic => 'anthropic',
    gemini => 'gemini');

# The model says what happens: split-N or cut-K-close, in a provider's stream.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $b = eval { Upstream::json_of($req) } // {};
	my $model = $b->{model} // ($req->{path} =~ m{models/([^:]+)})[0];
	my $all = $req->{path} =~ /chat/ ? $stream{chat} :
	    $req->{path} =~ /messages/ ? $stream{anthropic} : $stream{gemini};
	my @head = [head => 200, { 'Content-Type' => 'text/event-stream' }];

	if ($model =~ /-split-(\d+)/) {
		return (@head, [drip => $all, $1], ['last']);
	} elsif ($model =~ /-cut-(\d+)-(\w+)/) {
		return (@head, [chunk => substr $all, 0, $1],
		    [sleep => 0.002], [$2]);
	}
	return (@head, [chunk => $all], ['last']);
});
my $g = Gateway->new(config => config_for($up, "RETRY_TRIES: 1\n"));
my %prefix = (chat => 'gpt-x', anthropic => 'claude-x', gemini => 'gemini-x');
my $client = Client->new($g->port);
my $asked = 0;

sub ask {
	my ($d, $model) = @_;
	my $path = $d eq 'chat' ? '/v1/chat/completions' :
	    $d eq 'anthropic' ? '/v1/messages' :
	    "/v1beta/models/$model:streamGenerateContent?alt=sse";
	my $body = $d eq 'gemini' ? { contents => [ { parts => [ {
	    text => 'x' } ] } ] } : { model => $model, stream => \1,
	    max_tokens => 9, messages => [ { role => 'user',
	    content => 'x' } ], $d eq 'chat' ? (stream_options => {
	    include_usage => \1 }) : () };
	my $r = $client->request(POST => $path, {}, $body)->response;

	$asked++;
	$client = Client->new($g->port) unless $r && $r->{complete};
	return $r // { status => 0, body => '', complete => 0 };
}

# What is wrong with an answer, or undef.
sub fault {
	my ($d, $r) = @_;
	my $dialect = $dialect{$d};

	return "status $r->{status}, not complete" unless $r->{complete};
	if ($r->{status} != 200) {
		my $j = Client::json($r);
		return $j && $j->{error} ? undef : "no envelope: $r->{body}";
	}
	my @ev = Client::events($r->{body});
	return 'a broken frame' if grep { !$_->{json} &&
	    $_->{data} ne '[DONE]' } @ev;
	return 'no empty line at the end' unless $r->{body} =~ /\n\r?\n\z/;
	my $x = Extract::extract($dialect, $r->{body}, 1);
	my $end = $x->{error} || grep { $_->{json} && $_->{json}{error} } @ev;
	my $whole = $d eq 'chat' ? $r->{body} =~ /\[DONE\]/ :
	    $d eq 'anthropic' ? $r->{body} =~ /message_stop/ :
	    $r->{body} =~ /finishReason/;
	return 'neither an end nor an error' unless $end || $whole;
	return;
}

for my $from (sort keys %stream) {
	for my $to (sort keys %stream) {
		my $want = ask($to, $prefix{$from});
		my $said = Extract::extract($dialect{$to}, $want->{body}, 1);
		my @bad;
		for my $n (1, 2, 7, 64) {
			my $r = ask($to, "$prefix{$from}-split-$n");
			my $x = Extract::extract($dialect{$to}, $r->{body},
			    1);
			push @bad, $n if encode_json([@$x{qw(text stop in
			    out)}]) ne encode_json([@$said{qw(text stop in
			    out)}]) || ($from eq $to && $r->{body} ne
			    $stream{$from});
		}
		is("@bad", '', "$from to $to: in pieces it says the same");
		my ($n, @broken) = 0;
		my $len = length $stream{$from};
		for (my $k = 0; $k < $len; $k += 23) {
			my $how = $k % 2 ? 'reset' : 'close';
			my $r = ask($to, "$prefix{$from}-cut-$k-$how");
			my $fault = fault($to, $r);
			push @broken, "$k: $fault" if $fault;
			$n++;
		}
		is("@broken", '', "$from to $to: cut at $n places");
	}
}
ok($g->settled($asked), 'the log is written');
my ($row) = $g->sql('SELECT count(*) AS n, count(DISTINCT request_id) AS d ' .
    'FROM requests');
is($row->{n}, $asked, 'one row a request');
is($row->{d}, $asked, 'none twice');
$g->finish;
done_testing;
