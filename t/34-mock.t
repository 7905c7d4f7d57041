#!/usr/bin/perl

# The built-in provider as proxyd(8) documents it: each of its models, by each
# dialect, whole and streamed.  The tests of users stand on this.

use strict;
use warnings;
use utf8;
use Client;
use Extract;
use Gateway;
use JSON::PP;
use Stream;
use Test::More;
use Time::HiRes qw(time);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $g = Gateway->new;
my $asked = 0;
my @forms = map { my $d = $_; map { [$d, $_] } qw(plain sse),
    $d eq 'gemini' ? 'array' : () } @DIALECTS;

sub send_to {
	my ($c, $d, $model, $how, $body) = @_;
	$asked++;
	return $c->request(POST => question_path($d, $model, $how), {}, $body);
}

sub ask {
	my ($d, $model, $how, $text, %more) = @_;
	return send_to(Client->new($g->port), $d, $model, $how,
	    question($d, $model, $how, $text, %more))->response;
}

# A complete answer, well-formed; returns what it says.
sub answer {
	my ($name, $d, $how, $r) = @_;

	is($r->{status}, 200, "$name: 200") or diag $r->{body};
	ok($r->{complete}, "$name: complete");
	like($r->{headers}{'content-type'}, $how eq 'sse' ?
	    qr{^text/event-stream} : qr{^application/json},
	    "$name: content type");
	is(stream_end($d, $how, $r->{body}), 'complete',
	    "$name: a well-formed stream") if $how ne 'plain';
	return Extract::extract($d, $r->{body}, $how eq 'sse');
}

# The pieces of text that a stream came in.
sub pieces {
	my ($d, $how, $r) = @_;
	my @j = $how eq 'array' ? @{ Client::json($r) } :
	    map { $_->{json} // () } Client::events($r->{body});

	return grep { length } map { my $j = $_;
	    $d eq 'openai-chat' ? map { $_->{delta}{content} // '' }
	    @{ $j->{choices} } :
	    $d eq 'anthropic' ? $j->{delta}{text} // '' :
	    $d eq 'gemini' ? map { map { $_->{text} // '' }
	    @{ $_->{content}{parts} // [] } } @{ $j->{candidates} } :
	    $j->{type} eq 'response.output_text.delta' ? $j->{delta} : ''
	    } @j;
}

my %tool = (name => 'look_up', description => 'Looks up.');
my $schema = { type => 'object', required => [qw(city days now tags more)],
    properties => { city => { type => 'string' },
	days => { type => 'integer' }, now => { type => 'boolean' },
	tags => { type => 'array', items => { type => 'string' } },
	more => { type => 'object' }, never => { type => 'string' } } };

sub tools {
	my ($d) = @_;

	return [ { type => 'function', function => { %tool,
	    parameters => $schema } } ] if $d eq 'openai-chat';
	return [ { type => 'function', %tool, parameters => $schema } ]
	    if $d eq 'openai-responses';
	return [ { %tool, input_schema => $schema } ] if $d eq 'anthropic';
	return [ { functionDeclarations => [ { %tool,
	    parameters => { %$schema } } ] } ];
}

# The question again, with the call that was answered and its result.
sub second_question {
	my ($d, $how, $id, $args) = @_;
	my $q = question($d, 'mock-tool', $how, 'weather?',
	    tools => tools($d));

	if ($d eq 'openai-chat') {
		push @{ $q->{messages} }, { role => 'assistant',
		    content => undef, tool_calls => [ { id => $id,
		    type => 'function', function => { name => 'look_up',
		    arguments => $args } } ] }, { role => 'tool',
		    tool_call_id => $id, content => '晴, 21°' };
	} elsif ($d eq 'openai-responses') {
		$q->{input} = [ { role => 'user', content => 'weather?' },
		    { type => 'function_call', call_id => $id,
		    name => 'look_up', arguments => $args },
		    { type => 'function_call_output', call_id => $id,
		    output => '晴, 21°' } ];
	} elsif ($d eq 'anthropic') {
		push @{ $q->{messages} }, { role => 'assistant',
		    content => [ { type => 'tool_use', id => $id,
		    name => 'look_up', input => decode_json($args) } ] },
		    { role => 'user', content => [ { type => 'tool_result',
		    tool_use_id => $id, content => '晴, 21°' } ] };
	} else {
		push @{ $q->{contents} }, { role => 'model', parts => [ {
		    functionCall => { name => 'look_up', args =>
		    decode_json($args) } } ] }, { role => 'user', parts => [ {
		    functionResponse => { name => 'look_up', response => {
		    result => '晴, 21°' } } } ] };
	}
	return $q;
}

sub call_id {
	my ($d, $r) = @_;
	my ($id) = $r->{body} =~ ($d eq 'anthropic' ?
	    qr/"type":"tool_use","id":"([^"]+)"/ :
	    $d eq 'openai-responses' ? qr/"call_id":"([^"]+)"/ :
	    qr/"id":"(call_[^"]+)"/);
	return $id;
}

subtest 'mock-echo' => sub {
	my $text = "Say \"你好\" \\ to\n\tall of them, 😀!";
	for (@forms) {
		my ($d, $how) = @$_;
		my $name = "$d, $how";
		my $r = ask($d, 'mock-echo', $how, $text);
		my $x = answer($name, $d, $how, $r);
		is($x->{text}, $text, "$name: the text");
		is($x->{stop}, 'end', "$name: why it stopped");
		is_deeply($x->{calls}, [], "$name: no call");
		is(scalar(my @p = pieces($d, $how, $r)), 7,
		    "$name: a delta a word") if $how ne 'plain';
		next if $d eq 'openai-chat' && $how eq 'sse';
		is($x->{out}, 7, "$name: tokens of output");
		ok($x->{in} > 1, "$name: tokens of input");
	}
	my $r = ask('openai-chat', 'mock-echo', 'sse', 'a b c',
	    stream_options => { include_usage => \1 });
	is(answer('usage', 'openai-chat', 'sse', $r)->{out}, 3,
	    'openai-chat, sse: tokens where they are asked for');
};

subtest 'mock-echo repeats the last text of the user' => sub {
	my $r = ask('openai-chat', 'mock-echo', 'plain', 'x', messages => [
	    { role => 'system', content => 'be brief' },
	    { role => 'user', content => 'first' },
	    { role => 'assistant', content => 'hm' },
	    { role => 'user', content => [ { type => 'text', text => 'one' },
	    { type => 'text', text => 'two' } ] },
	    { role => 'assistant', content => 'prefix' } ]);
	is(answer('last', 'openai-chat', 'plain', $r)->{text}, 'two',
	    'the last one');
	$r = ask('anthropic', 'mock-echo', 'plain', 'x', messages => [
	    { role => 'user', content => [ { type => 'image', source => {
	    type => 'base64', media_type => 'image/png', data => 'AAAA' } }
	    ] } ]);
	is(answer('image', 'anthropic', 'plain', $r)->{text},
	    '(nothing was said)', 'or that there was none');
};

subtest 'mock-tool' => sub {
	for (@forms) {
		my ($d, $how) = @$_;
		my $name = "$d, $how";
		my $r = ask($d, 'mock-tool', $how, 'weather?',
		    tools => tools($d));
		my $x = answer("$name: call", $d, $how, $r);
		is($x->{stop}, 'tool', "$name: stops for the tool");
		is($x->{text}, '', "$name: without a text");
		is_deeply($x->{calls}, [ { name => 'look_up', args =>
		    '{"city":"mock","days":1,"more":{},"now":true,' .
		    '"tags":[]}' } ], "$name: every required argument, no "
		    . 'other');
		my $id = call_id($d, $r);
		ok($d eq 'gemini' || $id, "$name: the call has an id");
		$r = send_to(Client->new($g->port), $d, 'mock-tool', $how,
		    second_question($d, $how, $id, $x->{calls}[0]{args}))
		    ->response;
		$x = answer("$name: result", $d, $how, $r);
		like($x->{text}, qr/^The tool said: .*晴, 21°/,
		    "$name: says what the tool said");
		is($x->{stop}, 'end', "$name: and ends");
		$x = answer("$name: no tool", $d, $how,
		    ask($d, 'mock-tool', $how, 'x'));
		is($x->{text}, 'No tool was offered.',
		    "$name: none was offered");
	}
};

subtest 'mock-429, mock-500, and a model that there is not' => sub {
	my %status = ('mock-429' => 429, 'mock-500' => 500,
	    'mock-nope' => 404);
	for my $form (@forms) {
		my ($d, $how) = @$form;
		for my $model (sort keys %status) {
			my $name = "$model, $d, $how";
			my $r = ask($d, $model, $how, 'x');
			is($r->{status}, $status{$model}, "$name: status");
			is(error_fault($d, Client::json($r),
			    $status{$model}), '', "$name: in its envelope")
			    or diag $r->{body};
			is($r->{headers}{'retry-after'} // '',
			    $model eq 'mock-429' ? 1 : '',
			    "$name: retry-after");
		}
	}
};

subtest 'mock-slow' => sub {
	my $t0 = time;
	my @c = map { send_to(Client->new($g->port), $_->[0], 'mock-slow',
	    $_->[1], question($_->[0], 'mock-slow', $_->[1], 'slow words'))
	    } @forms;
	for my $form (@forms) {
		my ($d, $how) = @$form;
		my $c = shift @c;
		my $name = "$d, $how";
		$c->until_match(qr/./) or fail("$name: an answer");
		ok(time - $t0 >= 1.9, "$name: nothing for two seconds");
		is(answer($name, $d, $how, $c->response)->{text},
		    'slow words', "$name: then as mock-echo");
	}
	ok(time - $t0 < 15, 'all of them at a time');
};

subtest 'mock-long' => sub {
	my $want = join '', map { "word$_ " } 1 .. 1000;
	for (@forms) {
		my ($d, $how) = @$_;
		my $name = "$d, $how";
		my $r = ask($d, 'mock-long', $how, 'x');
		my $x = answer($name, $d, $how, $r);
		ok($x->{text} eq $want, "$name: a thousand words") or
		    diag length $x->{text};
		is(scalar(my @p = pieces($d, $how, $r)), 1000,
		    "$name: in as many deltas") if $how ne 'plain';
	}
};

subtest 'mock-cut' => sub {
	for (@forms) {
		my ($d, $how) = @$_;
		my $name = "$d, $how";
		my $r = ask($d, 'mock-cut', $how, 'x');
		is($r->{status}, $how eq 'plain' ? 502 : 200,
		    "$name: status");
		ok($r->{complete}, "$name: HTTP is complete");
		if ($how eq 'plain') {
			is(error_fault($d, Client::json($r), 502), '',
			    "$name: in its envelope");
			next;
		}
		is(stream_end($d, $how, $r->{body}), 'error',
		    "$name: an error event ends it") or diag $r->{body};
		is(join('', pieces($d, $how, $r)),
		    'This answer ends in the mid', "$name: the text so far");
	}
};

subtest 'rows' => sub {
	ok($g->settled, 'a row a request');
	my @rows = $g->rows;
	is(scalar @rows, $asked, 'as many as were asked');
	is((grep { $_->{provider} ne 'mock' || $_->{target_dialect} ne 'mock'
	    || $_->{route} ne 'family' || $_->{key_id} } @rows), 0,
	    'all of them by the family of the name, without a key');
	for my $d (@DIALECTS) {
		my $n = $d eq 'gemini' ? 2 : 1;		# forms of a stream
		my %count;
		$count{"$_->{model_asked} $_->{status} " .
		    ($_->{stream} ? 'stream' : 'whole')}++
		    for grep { $_->{dialect} eq $d } @rows;
		is($count{'mock-cut 200 stream'}, $n, "$d: cut streams");
		is($count{'mock-cut 502 whole'}, 1, "$d: a cut answer");
		is($count{'mock-429 429 whole'}, 1 + $n, "$d: limited");
		is($count{'mock-500 500 whole'}, 1 + $n, "$d: failed");
		is($count{'mock-long 200 stream'}, $n, "$d: long streams");
		is($count{'mock-slow 200 whole'}, 1, "$d: a slow answer");
	}
	my ($row) = grep { $_->{model_asked} eq 'mock-long' } @rows;
	is($row->{output}, 1000, 'tokens of output');
	is($row->{model_answered}, 'mock-long', 'model answered');
	is($row->{stop}, 'stop', 'stop reason');
	is((grep { $_->{model_asked} eq 'mock-slow' &&
	    $_->{ttfb_us} < 1_900_000 } @rows), 0, 'time to the first byte');
	is((grep { !$_->{incomplete} || $_->{error} !~ /before it was/ }
	    grep { $_->{model_asked} eq 'mock-cut' && $_->{stream} } @rows),
	    0, 'what was cut is known to be incomplete');
	is((grep { $_->{error} } grep { $_->{model_asked} =~
	    /-(echo|tool|slow|long)/ } @rows), 0, 'no error where none was');
};

$g->finish;
done_testing;
