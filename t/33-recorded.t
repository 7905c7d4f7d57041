#!/usr/bin/perl

# Recorded exchanges of the real providers, through proxyd: each recorded request
# goes to a scripted provider that answers with the recorded response, in its
# own dialect (bytes equal) and from clients of the other dialects (text, tool
# calls, stop reason, tokens equal).

use strict;
use warnings;
use Client;
use Extract;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

my $dir = $ENV{FIXTURES} // '../shared/fixtures';
plan skip_all => "no recorded exchanges in '$dir' (set FIXTURES)"
    unless -d "$dir/exchanges";

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %endpoint = map { $_ => 1 } qw(chat messages responses generateContent
    streamGenerateContent);

# Recordings that cannot be compared, and why.
my %skip = (
	'an-4e98d3417e7c' => 'thirty streams in one recording',
	'an-d78e50f241b6' => 'six streams in one recording',
	'or-fa8bfe9b04c6' => 'four streams in one recording',
	'or-01c39166c236' => 'edited: its deltas are not its text',
	'ge-f130df983dc5' => 'edited: a stream without an end',
	'ge-d0afc7200cbb' => 'arguments in pieces, which Extract cannot read',
	'ge-e50ddc52dfc6' => 'its usage lacks the prompt',
	'oc-0a566ce29b54' => 'an error in the stream, before any text',
);

sub slurp { open my $f, '<:raw', $_[0] or die "$_[0]: $!"; local $/; <$f> }

my %fx;
for my $line (split /\n/, slurp("$dir/index.jsonl")) {
	my $m = $json->decode($line);
	next unless $endpoint{ $m->{endpoint} } &&
	    ($m->{status} // 200) == 200;
	next if $ENV{ONLY} && $m->{id} !~ /$ENV{ONLY}/;
	my $x = $json->decode(slurp("$dir/exchanges/$m->{id}.json"));
	my $r = $x->{response};
	next if $r->{status} != 200;
	$fx{ $m->{id} } = { id => $m->{id}, dialect => $m->{provider},
	    request => $x->{request}{body}, stream => $m->{stream},
	    array => ($x->{stream_format} // '') eq 'json-array',
	    answer => defined $r->{raw} ? $r->{raw} :
	    $json->encode($r->{body}) };
	utf8::encode($fx{ $m->{id} }{answer}) if defined $r->{raw};
}
plan skip_all => 'no recording chosen' unless %fx;

# The model asked for is the recording's name.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $b = eval { Upstream::json_of($req) } // {};
	my ($id) = $req->{path} =~ m{/models/([\w-]+):};
	my $f = $fx{ $id // $b->{model} // '' } or
	    return [reply => 404, {}, '{}'];
	my $sse = $f->{stream} && !$f->{array};

	return [reply => 200, { 'Content-Type' => $sse ?
	    'text/event-stream' : 'application/json' }, $f->{answer}];
});

my %provider = ('openai-chat' => 'chat', 'openai-responses' => 'resp',
    anthropic => 'anth', gemini => 'gem');
# Nothing is fetched: these URLs are of the world outside.
my $config = "FETCH_COUNT: 0\nPROVIDERS:\n" . join('', map { "  $provider{$_}:\n" .
    "    dialect: $_\n    base_url: " . $up->base . "\n" .
    "    keyless: true\n" } sort keys %provider) . "MODELS:\n" .
    join('', map { "  - route_key: $_\n    target_model: $_\n" .
    "    provider: $provider{ $fx{$_}{dialect} }\n" } sort keys %fx);
my $g = Gateway->new(config => $config);
my $client = Client->new($g->port);

sub path_for {
	my ($d, $id, $stream, $array) = @_;
	return '/v1/chat/completions' if $d eq 'openai-chat';
	return '/v1/responses' if $d eq 'openai-responses';
	return '/v1/messages' if $d eq 'anthropic';
	return "/v1beta/models/$id:" . ($stream ? 'streamGenerateContent' .
	    ($array ? '' : '?alt=sse') : 'generateContent');
}

sub ask {
	my ($path, $body) = @_;
	my $r = eval { $client->request(POST => $path, {},
	    $body)->response };

	$client = Client->new($g->port)
	    unless $r && $r->{complete};
	return $r // { status => 0, body => '' };
}

# Recorded requests of each dialect take turns as the question to a recorded
# answer of another; one that cannot be asked elsewhere (a file of its provider,
# a conversation kept there, an answer in the background) is a 400 that says so,
# and a plain one follows.
my %recorded;
push @{ $recorded{ $fx{$_}{dialect} } }, $fx{$_}{request}
    for grep { $fx{$_}{request} } sort keys %fx;
my %turn;
my $refused = 0;
my $told = qr/cannot be sent|refers to state|FETCH_COUNT|'background' is not/;
$told = qr/$told|no (?:response|conversation) '\w+' is kept here/;

sub recorded_question {
	my ($d, $id, $stream) = @_;
	my $all = $recorded{$d} or return;
	my $b = { %{ $all->[$turn{$d}++ % @$all] } };

	# Several answers may be several calls, with their sum of usage:
	# 23-choices.t.
	delete $b->{n};
	$b->{generationConfig} = { map { $_ => $b->{generationConfig}{$_} }
	    grep { $_ ne 'candidateCount' } keys %{ $b->{generationConfig} } }
	    if $b->{generationConfig};
	return $b if $d eq 'gemini' && do { delete $b->{model}; 1 };
	delete @$b{qw(stream stream_options)};
	$b->{stream} = \1 if $stream;
	$b->{stream_options} = { include_usage => \1 }
	    if $stream && $d eq 'openai-chat';
	return { %$b, model => $id };
}

# A plain question in a dialect.
sub question {
	my ($d, $id, $stream) = @_;
	my @s = $stream ? (stream => \1) : ();
	my %inc = $stream ? (stream_options => { include_usage => \1 }) : ();

	return { model => $id, @s, %inc, messages => [ { role => 'user',
	    content => 'x' } ] } if $d eq 'openai-chat';
	return { model => $id, @s, input => 'x' } if $d eq 'openai-responses';
	return { model => $id, @s, max_tokens => 100, messages => [ {
	    role => 'user', content => 'x' } ] } if $d eq 'anthropic';
	return { contents => [ { role => 'user', parts => [ {
	    text => 'x' } ] } ] };
}

my %n = (same => 0, cross => 0);
my @bad;
sub note_bad { push @bad, $_[0] }

sub same_dialect {
	my ($f) = @_;
	my $b = { %{ $f->{request} } };

	$b->{model} = $f->{id}
	    if $f->{dialect} ne 'gemini' || exists $b->{model};
	if ($f->{dialect} ne 'gemini') {
		delete $b->{stream};
		$b->{stream} = \1 if $f->{stream};
	}
	# Else they would be asked for, and the chunk taken out again.
	$b->{stream_options} = { include_usage => \1 }
	    if $f->{stream} && $f->{dialect} eq 'openai-chat';
	my $sent = JSON::PP->new->utf8->pretty->canonical->encode($b);
	$up->forget;
	my $r = ask(path_for(@$f{qw(dialect id)}, $f->{stream} ||
	    $f->{array}, $f->{array}), $sent);
	$n{same}++;
	if ($r->{status} != 200) {
		note_bad("$f->{id}: same: $r->{status}: " .
		    substr $r->{body}, 0, 200);
		return;
	}
	note_bad("$f->{id}: same: answer's bytes differ")
	    if $r->{body} ne $f->{answer};
	my ($got) = grep { $_->{event} eq 'request' } $up->requests;
	note_bad("$f->{id}: same: request's bytes differ")
	    if !$got || Upstream::body_of($got) ne $sent;
}

sub differ {
	my ($want, $got) = @_;
	my @d;

	push @d, 'text' if $want->{text} ne $got->{text};
	push @d, 'calls' if $json->encode($want->{calls}) ne
	    $json->encode($got->{calls});
	push @d, "stop $want->{stop}/$got->{stop}"
	    if $want->{stop} ne 'other' && $want->{stop} ne $got->{stop} &&
	    !($want->{refused} && $got->{stop} eq 'filter');
	for (qw(in out)) {
		push @d, "$_ $want->{$_}/" . ($got->{$_} // 'none')
		    if defined $want->{$_} &&
		    $want->{$_} != ($got->{$_} // -1);
	}
	return @d;
}

sub cross {
	my ($f, $d) = @_;
	my $want = Extract::extract($f->{dialect}, $f->{answer},
	    $f->{stream});

	for my $stream ($f->{stream} || $f->{array} ? (1, 0) : (0, 1)) {
		my $name = "$f->{id}: $d" . ($stream ? ' stream' : '');
		my $q = recorded_question($d, $f->{id}, $stream) //
		    question($d, $f->{id}, $stream);
		my $r = ask(path_for($d, $f->{id}, $stream),
		    $json->encode($q));
		if ($r->{status} == 400) {
			note_bad("$name: $turn{$d}: " . substr $r->{body},
			    0, 300) unless $r->{body} =~
			    $told;
			$refused++;
			$r = ask(path_for($d, $f->{id}, $stream),
			    $json->encode(question($d, $f->{id}, $stream)));
		}
		$n{cross}++;
		if ($want->{error}) {
			note_bad("$name: error passed as $r->{status}")
			    if $r->{status} == 200 && !Extract::extract($d,
			    $r->{body}, $stream)->{error};
			next;
		}
		if ($r->{status} != 200) {
			note_bad("$name: $r->{status}: " .
			    substr $r->{body}, 0, 200);
			next;
		}
		# An answer to legacy functions has room for one call.
		local $want->{calls} = [$want->{calls}[0] // ()]
		    if $q->{functions};
		my @diff = differ($want, Extract::extract($d, $r->{body},
		    $stream));
		note_bad("$name: @diff") if @diff;
	}
}

for my $id (sort keys %fx) {
	my $f = $fx{$id};
	next if $skip{$id};
	same_dialect($f) if $f->{request};
	cross($f, $_) for grep { $_ ne $f->{dialect} } sort keys %provider;
}
ok(!@bad, "$n{same} recorded exchanges in their own dialect, " .
    "$n{cross} crosswise ($refused questions refused by name)");
cmp_ok($refused, '<', $n{cross} / 3, 'few are refused');
diag("$_") for @bad[0 .. ($#bad > 200 ? 200 : $#bad)];
diag(scalar(@bad) . ' differ') if @bad;
$g->finish;
done_testing;
