package Stream;

# The same question in any dialect, and whether a stream is one: every frame
# whole, in the order that its dialect wants, and ended as it should be.

use strict;
use warnings;
use Client;
use Exporter 'import';
use JSON::PP;
our @EXPORT = qw(@DIALECTS question question_path sample sample_deltas
    stream_end error_fault);

our @DIALECTS = qw(openai-chat openai-responses anthropic gemini);

my %path = ('openai-chat' => '/v1/chat/completions',
    'openai-responses' => '/v1/responses', anthropic => '/v1/messages');

# how: plain, sse or array (Gemini's without alt=sse)
sub question_path {
	my ($dialect, $model, $how) = @_;

	return $path{$dialect} // "/v1beta/models/$model:" . {
	    plain => 'generateContent',
	    sse => 'streamGenerateContent?alt=sse',
	    array => 'streamGenerateContent' }->{$how};
}

sub question {
	my ($dialect, $model, $how, $text, %more) = @_;

	return { contents => [ { role => 'user', parts => [ { text => $text }
	    ] } ], %more } if $dialect eq 'gemini';
	return { model => $model, $dialect eq 'openai-responses' ?
	    (input => $text) : (messages => [ { role => 'user',
	    content => $text } ]), $dialect eq 'anthropic' ?
	    (max_tokens => 99) : (), $how eq 'sse' ? (stream => \1) : (),
	    $how eq 'sse' && $dialect eq 'openai-chat' ?
	    (stream_options => { include_usage => \1 }) : (),
	    %more };
}

# --- a stream of each dialect: a text, then a call -----------------------------

my $json = JSON::PP->new->utf8->canonical;
my @words = ('Bonjour ', "\x{4f60}\x{597d}, ", "\"quoted\"\n", 'fin.');
my @args = ('{"city":"K', "\x{f6}ln\",\"da", 'ys":2}');

sub framed { join '', map { "event: $_->{type}\ndata: " . $json->encode($_) .
    "\n\n" } @_ }

sub chat_frames {
	my $chunk = sub { 'data: ' . $json->encode({ id => 'chatcmpl-1',
	    object => 'chat.completion.chunk', created => 1700000000,
	    model => 'gpt-4o-mini', @_ }) . "\n\n" };
	my $delta = sub { $chunk->(choices => [ { index => 0,
	    delta => $_[0], finish_reason => $_[1] } ]) };
	my $call = sub { $delta->({ tool_calls => [ { index => 0, @_ } ] }) };

	return $delta->({ role => 'assistant', content => '' }),
	    (map { $delta->({ content => $_ }) } @words),
	    $call->(id => 'call_1', type => 'function', function => {
	    name => 'look_up', arguments => '' }),
	    (map { $call->(function => { arguments => $_ }) } @args),
	    $delta->({}, 'tool_calls'),
	    $chunk->(choices => [], usage => { prompt_tokens => 12,
	    completion_tokens => 5, total_tokens => 17 }),
	    "data: [DONE]\n\n";
}

sub anthropic_frames {
	my $block = sub { my ($i, $b, $type, $member, @pieces) = @_;
	    { type => 'content_block_start', index => $i,
	    content_block => $b }, (map { { type => 'content_block_delta',
	    index => $i, delta => { type => $type, $member => $_ } } }
	    @pieces), { type => 'content_block_stop', index => $i } };

	return map { framed($_) } { type => 'message_start', message => {
	    id => 'msg_1', type => 'message', role => 'assistant',
	    model => 'claude-x', content => [], stop_reason => undef,
	    stop_sequence => undef, usage => { input_tokens => 12,
	    output_tokens => 1 } } },
	    $block->(0, { type => 'text', text => '' }, 'text_delta', 'text',
	    @words), { type => 'ping' },
	    $block->(1, { type => 'tool_use', id => 'toolu_1',
	    name => 'look_up', input => {} }, 'input_json_delta',
	    'partial_json', @args),
	    { type => 'message_delta', delta => { stop_reason => 'tool_use',
	    stop_sequence => undef }, usage => { output_tokens => 5 } },
	    { type => 'message_stop' };
}

sub gemini_objects {
	my $o = sub { my ($part, @more) = @_; { candidates => [ {
	    content => { parts => [ $part ], role => 'model' }, index => 0,
	    @more } ], usageMetadata => { promptTokenCount => 12,
	    candidatesTokenCount => 5, totalTokenCount => 17 },
	    modelVersion => 'gemini-x', responseId => 'resp1' } };

	return map { $json->encode($_) } (map { $o->({ text => $_ }) }
	    @words), $o->({ functionCall => { name => 'look_up', args => {
	    city => "K\x{f6}ln", days => 2 } } }, finishReason => 'STOP');
}

sub responses_frames {
	my $n = 0;
	my %r = (id => 'resp_1', object => 'response',
	    created_at => 1700000000, status => 'in_progress',
	    model => 'gpt-x', output => []);
	my $text = join '', @words;
	my %part = (type => 'output_text', annotations => [], logprobs => []);
	my @at = (item_id => 'msg_1', output_index => 0, content_index => 0);
	my %msg = (id => 'msg_1', type => 'message', role => 'assistant');
	my @done = ({ %msg, status => 'completed', content => [ { %part,
	    text => $text } ] }, { id => 'fc_1', type => 'function_call',
	    call_id => 'call_1', name => 'look_up', status => 'completed',
	    arguments => join '', @args });
	my @ev = ([created => response => \%r],
	    [in_progress => response => \%r],
	    ['output_item.added', output_index => 0, item => { %msg,
	    status => 'in_progress', content => [] }],
	    ['content_part.added', @at, part => { %part, text => '' }],
	    (map { ['output_text.delta', @at, delta => $_, logprobs => []] }
	    @words),
	    ['output_text.done', @at, text => $text, logprobs => []],
	    ['content_part.done', @at, part => { %part, text => $text }],
	    ['output_item.done', output_index => 0, item => $done[0]],
	    ['output_item.added', output_index => 1, item => { %{ $done[1] },
	    status => 'in_progress', arguments => '' }],
	    (map { ['function_call_arguments.delta', item_id => 'fc_1',
	    output_index => 1, delta => $_] } @args),
	    ['function_call_arguments.done', item_id => 'fc_1',
	    output_index => 1, arguments => join '', @args],
	    ['output_item.done', output_index => 1, item => $done[1]],
	    [completed => response => { %r, status => 'completed',
	    output => \@done, usage => { input_tokens => 12,
	    output_tokens => 5, total_tokens => 17 } }]);

	return map { my ($type, @more) = @$_; framed({ type =>
	    "response.$type", sequence_number => $n++, @more }) } @ev;
}

# The frames as a provider sends them.
sub sample {
	my ($dialect, $how) = @_;

	return chat_frames() if $dialect eq 'openai-chat';
	return responses_frames() if $dialect eq 'openai-responses';
	return anthropic_frames() if $dialect eq 'anthropic';
	my @o = gemini_objects();
	return map { "data: $_\r\n\r\n" } @o if $how ne 'array';
	return map { ($_ == 0 ? '[' : "\n,\r\n") . $o[$_] .
	    ($_ == $#o ? "\n]" : '') } 0 .. $#o;
}

# What the text comes in.
sub sample_deltas { @words }

# --- judged ---------------------------------------------------------------------

# What is wrong with an error's envelope; nothing: ''.
sub error_fault {
	my ($dialect, $j, $status) = @_;
	my $e = ref $j eq 'HASH' ? $j->{error} : undef;

	return 'no error object' unless ref $e eq 'HASH';
	return 'no message' unless length($e->{message} // '');
	if ($dialect eq 'anthropic') {
		return 'type is not error' if ($j->{type} // '') ne 'error';
		return 'no error.type' unless $e->{type};
	} elsif ($dialect eq 'gemini') {
		return "code is not $status" if ($e->{code} // 0) != $status;
		return 'no status word' unless ($e->{status} // '') =~
		    /^[A-Z_]+$/;
	} else {
		return 'no error.type' unless $e->{type};
		return 'a member is missing' if grep { !exists $e->{$_} }
		    qw(param code);
	}
	return '';
}

# How a stream ended: 'complete', 'error', or else what is wrong with it.
sub stream_end {
	my ($dialect, $how, $body) = @_;
	my @ev;

	if ($how eq 'array') {
		my $j = eval { JSON::PP->new->utf8->decode($body) };
		return 'not a JSON array' unless ref $j eq 'ARRAY';
		@ev = map { { json => $_ } } @$j;
	} else {
		return 'it ends within a frame' unless $body =~ /\n\r?\n\z/;
		for my $line (split /\r?\n/, $body) {
			return "'$line' is no line of a stream" unless $line =~
			    /^(?:|:.*|event: \S+|data: .*)$/;
			next unless $line =~ /^data: (.*)/;
			return "not JSON: $1" unless $1 eq '[DONE]' ||
			    eval { JSON::PP->new->utf8->decode($1) };
		}
		@ev = Client::events($body);
	}
	return 'nothing in it' unless @ev;
	return { 'openai-chat' => \&chat, 'openai-responses' => \&responses,
	    anthropic => \&anthropic, gemini => \&gemini }->{$dialect}
	    ->(@ev);
}

sub chat {
	my ($finish, $done, $error);

	for my $e (@_) {
		return 'something after the end' if $done || $error;
		if ($e->{data} eq '[DONE]') {
			$done = 1;
		} elsif ($e->{json}{error}) {
			$error = 1;
			my $f = error_fault('openai-chat', $e->{json});
			return "error event: $f" if $f;
		} elsif (ref $e->{json}{choices} ne 'ARRAY') {
			return "no choices: $e->{data}";
		} else {
			$finish = 1 if grep { defined $_->{finish_reason} }
			    @{ $e->{json}{choices} };
		}
	}
	return $error ? 'error' : !$finish ? 'no finish_reason' :
	    $done ? 'complete' : 'no [DONE]';
}

sub responses {
	my ($n, $error, $last) = (0);

	for my $e (@_) {
		my $t = $e->{json}{type} // '';
		return "event is not the type of $e->{data}"
		    if ($e->{event} // '') ne $t;
		# Where proxyd ends what it has forwarded, it has not counted.
		return "sequence_number is not $n" if $t !~
		    /^(error|response\.failed)$/ &&
		    ($e->{json}{sequence_number} // -1) != $n;
		$n++;
		return 'does not begin with response.created'
		    if $n == 1 && $t ne 'response.created';
		return 'something after the end' if $last;
		$error = $t eq 'error' ? 1 : $error;
		$last = $1 if $t =~ /^response\.(completed|incomplete|failed)/;
	}
	return 'no end' unless $last;
	return $last eq 'failed' ? 'error' : $error ? 'error and an end' :
	    'complete';
}

sub anthropic {
	my ($state, $index) = ('none', -1);
	my %after = (message_start => [qw(none idle)],
	    content_block_start => [qw(idle block)],
	    content_block_delta => [qw(block block)],
	    content_block_stop => [qw(block idle)],
	    message_delta => [qw(idle ending)],
	    message_stop => [qw(ending complete)]);

	for my $e (@_) {
		my $t = $e->{json}{type} // '';
		return "event is not the type of $e->{data}"
		    if ($e->{event} // '') ne $t;
		return 'something after the end'
		    if $state eq 'complete' || $state eq 'error';
		next if $t eq 'ping';
		if ($t eq 'error') {
			my $f = error_fault('anthropic', $e->{json});
			return "error event: $f" if $f;
			$state = 'error';
			next;
		}
		my $a = $after{$t} or return "unknown event $t";
		return "$t where it is $state" if $a->[0] ne $state;
		$state = $a->[1];
		$index++ if $t eq 'content_block_start';
		return "index of $t is not $index" if $t =~ /^content_block/
		    && $e->{json}{index} != $index;
	}
	return $state =~ /^(complete|error)$/ ? $state : "it ends $state";
}

sub gemini {
	my ($finish, $error);

	for my $e (@_) {
		my $j = $e->{json};
		return 'not an object' unless ref $j eq 'HASH';
		return 'something after an error' if $error;
		if ($j->{error}) {
			my $f = error_fault('gemini', $j, $j->{error}{code});
			return "error event: $f" if $f;
			$error = 1;
		}
		$finish = 1 if grep { $_->{finishReason} }
		    @{ $j->{candidates} // [] };
	}
	return $error ? 'error' : $finish ? 'complete' : 'no finishReason';
}

1;
