package SdkScripts;

# Providers of all four dialects for the tests with SDKs.  The prompt holds
# [[case client]]: the case says what the provider does.  An answer is written
# down once, without a dialect, and rendered in each.

use strict;
use warnings;
use Exporter 'import';
use MIME::Base64 qw(encode_base64);
use Scripts qw(json_text);
our @EXPORT = qw(script_for model_of case_of reply_of %signature);

my %json = ('Content-Type' => 'application/json');
my %sse = ('Content-Type' => 'text/event-stream');
my $text = "Bonjour \x{4f60}\x{597d}!";
my @usage = (12, 5);

my %model = (
	'openai-chat' => 'gpt-5.5', 'openai-responses' => 'gpt-5.5',
	anthropic => 'claude-sonnet-5', gemini => 'gemini-3-flash-preview',
);

# What each signs its thoughts with; OpenAI's Chat Completions does not.
our %signature = ('openai-responses' => 'b3BlbmFp', anthropic => 'YW50aHJvcGlj',
    gemini => 'Z2VtaW5p');

sub model_of { $model{ $_[0] } }

# --- what is said -------------------------------------------------------------

my @calls = (
	[ 'call_a1', 'get_weather', { city => "Z\x{fc}rich \"1\"" } ],
	[ 'call_b2', 'get_time', { zone => 'Europe/Zurich' } ],
);

sub case_of { Upstream::body_of($_[0]) =~ /\[\[(\w+) ([\w-]+)\]\]/ }

# What is said in a case; after the tools' results, the last words.
sub answer_of {
	my ($case, $body) = @_;

	return { text => 'It is sunny.' } if ($body // '') =~ /sunny-21/;
	return { text => 'Let me look.', calls => \@calls,
	    $case =~ /think/ ? (thinking => 'First, I think.') : () }
	    if $case =~ /^(tool|runner)/;
	return { text => json_text({ city => 'Oslo', people => 7 }) }
	    if $case =~ /^(schema|loose)$/;
	return { text => $text, thinking => 'First, I think.' }
	    if $case =~ /^think/;
	return { text => $text };
}

# A text in pieces, so that a stream has several deltas.
sub pieces { unpack '(a4)*', $_[0] }

# --- OpenAI Chat Completions --------------------------------------------------

sub chat_usage {
	return { prompt_tokens => $usage[0], completion_tokens => $usage[1],
	    total_tokens => $usage[0] + $usage[1] };
}

sub chat_call {
	my ($call, @more) = @_;
	return { id => $call->[0], type => 'function', function => {
	    name => $call->[1], arguments => $more[0] //
	    JSON::PP->new->canonical->encode($call->[2]) } };
}

sub chat_plain {
	my ($a) = @_;
	my $m = { role => 'assistant', content => $a->{text} };

	$m->{reasoning_content} = $a->{thinking} if $a->{thinking};
	$m->{tool_calls} = [ map { chat_call($_) } @{ $a->{calls} } ]
	    if $a->{calls};
	return { id => 'chatcmpl-1', object => 'chat.completion',
	    created => 1700000000, model => $model{'openai-chat'},
	    choices => [ { index => 0, message => $m,
	    finish_reason => $a->{calls} ? 'tool_calls' : 'stop' } ],
	    usage => chat_usage() };
}

sub chat_chunk {
	my ($delta, $finish) = @_;
	return { id => 'chatcmpl-1', object => 'chat.completion.chunk',
	    created => 1700000000, model => $model{'openai-chat'},
	    choices => [ { index => 0, delta => $delta,
	    finish_reason => $finish } ] };
}

sub chat_events {
	my ($a) = @_;
	my @delta = { role => 'assistant', content => '' };
	my $n = 0;

	push @delta, map { { reasoning_content => $_ } }
	    pieces($a->{thinking} // '');
	push @delta, map { { content => $_ } } pieces($a->{text});
	for my $call (@{ $a->{calls} // [] }) {
		my $args = chat_call($call)->{function}{arguments};
		push @delta, { tool_calls => [ { index => $n,
		    %{ chat_call($call, '') } } ] };
		push @delta, map { { tool_calls => [ { index => $n,
		    function => { arguments => $_ } } ] } } pieces($args);
		$n++;
	}
	return ((map { chat_chunk($_) } @delta),
	    chat_chunk({}, $a->{calls} ? 'tool_calls' : 'stop'),
	    { %{ chat_chunk() }, choices => [], usage => chat_usage() },
	    '[DONE]');
}

# --- OpenAI Responses ---------------------------------------------------------

sub responses_items {
	my ($a) = @_;
	my $n = 0;
	my @item;

	push @item, { type => 'reasoning', id => 'rs_1', summary => [
	    { type => 'summary_text', text => $a->{thinking} } ],
	    encrypted_content => $signature{'openai-responses'} }
	    if $a->{thinking};
	push @item, { type => 'message', id => 'msg_1', role => 'assistant',
	    status => 'completed', content => [ { type => 'output_text',
	    text => $a->{text}, annotations => [] } ] };
	push @item, map { { type => 'function_call', id => 'fc_' . ++$n,
	    call_id => $_->[0], name => $_->[1], status => 'completed',
	    arguments => chat_call($_)->{function}{arguments} } }
	    @{ $a->{calls} // [] };
	return @item;
}

sub responses_object {
	my ($status, @item) = @_;
	return { id => 'resp_1', object => 'response',
	    created_at => 1700000000, status => $status, error => undef,
	    incomplete_details => undef, model => $model{'openai-responses'},
	    output => [ @item ], parallel_tool_calls => \1,
	    tool_choice => 'auto', tools => [], $status eq 'completed' ?
	    (usage => { input_tokens => $usage[0],
	    input_tokens_details => { cached_tokens => 0 },
	    output_tokens => $usage[1],
	    output_tokens_details => { reasoning_tokens => 0 },
	    total_tokens => $usage[0] + $usage[1] }) : () };
}

sub responses_plain {
	return responses_object('completed', responses_items($_[0]));
}

my %responses_part = (
	reasoning => sub {
		my ($at, $item) = @_;
		my $part = $item->{summary}[0];
		my @at = (%$at, summary_index => 0);
		return ({ type => 'response.reasoning_summary_part.added', @at,
		    part => { %$part, text => '' } },
		    (map { { type => 'response.reasoning_summary_text.delta',
		    @at, delta => $_ } } pieces($part->{text})),
		    { type => 'response.reasoning_summary_text.done', @at,
		    text => $part->{text} },
		    { type => 'response.reasoning_summary_part.done', @at,
		    part => $part });
	},
	message => sub {
		my ($at, $item) = @_;
		my $part = $item->{content}[0];
		my @at = (%$at, content_index => 0);
		return ({ type => 'response.content_part.added', @at,
		    part => { %$part, text => '' } },
		    (map { { type => 'response.output_text.delta', @at,
		    delta => $_ } } pieces($part->{text})),
		    { type => 'response.output_text.done', @at,
		    text => $part->{text} },
		    { type => 'response.content_part.done', @at,
		    part => $part });
	},
	function_call => sub {
		my ($at, $item) = @_;
		return ((map { {
		    type => 'response.function_call_arguments.delta', %$at,
		    delta => $_ } } pieces($item->{arguments})),
		    { type => 'response.function_call_arguments.done', %$at,
		    arguments => $item->{arguments} });
	},
);
my %responses_bare = (reasoning => [summary => []],
    message => [content => []], function_call => [arguments => '']);

sub responses_events {
	my ($a) = @_;
	my ($n, $seq) = (0, 0);
	my @item = responses_items($a);
	my @ev = map { { type => "response.$_",
	    response => responses_object('in_progress') } }
	    qw(created in_progress);

	for my $item (@item) {
		my $at = { output_index => $n, item_id => $item->{id} };
		push @ev, { type => 'response.output_item.added',
		    output_index => $n, item => { %$item,
		    status => 'in_progress',
		    @{ $responses_bare{ $item->{type} } } } },
		    $responses_part{ $item->{type} }->($at, $item),
		    { type => 'response.output_item.done',
		    output_index => $n++, item => $item };
	}
	push @ev, { type => 'response.completed',
	    response => responses_plain($a) };
	return map { { %$_, sequence_number => $seq++ } } @ev;
}

# --- Anthropic ----------------------------------------------------------------

sub anthropic_blocks {
	my ($a) = @_;

	return (($a->{thinking} ? { type => 'thinking',
	    thinking => $a->{thinking},
	    signature => $signature{anthropic} } : ()),
	    { type => 'text', text => $a->{text} },
	    map { { type => 'tool_use', id => $_->[0], name => $_->[1],
	    input => $_->[2] } } @{ $a->{calls} // [] });
}

sub anthropic_plain {
	my ($a) = @_;
	return { id => 'msg_01', type => 'message', role => 'assistant',
	    model => $model{anthropic}, content => [ anthropic_blocks($a) ],
	    stop_reason => $a->{calls} ? 'tool_use' : 'end_turn',
	    stop_sequence => undef, usage => { input_tokens => $usage[0],
	    output_tokens => $usage[1] } };
}

sub anthropic_block_events {
	my ($n, $block) = @_;
	my %bare = (%$block, text => '', thinking => '', input => {});
	my @delta;

	if ($block->{type} eq 'text') {
		@delta = map { { type => 'text_delta', text => $_ } }
		    pieces($block->{text});
	} elsif ($block->{type} eq 'thinking') {
		@delta = ((map { { type => 'thinking_delta',
		    thinking => $_ } } pieces($block->{thinking})),
		    { type => 'signature_delta',
		    signature => $block->{signature} });
		$bare{signature} = '';
	} else {
		@delta = map { { type => 'input_json_delta',
		    partial_json => $_ } } pieces(JSON::PP->new->canonical
		    ->encode($block->{input}));
	}
	return ({ type => 'content_block_start', index => $n,
	    content_block => { map { $_ => $bare{$_} } keys %$block } },
	    (map { { type => 'content_block_delta', index => $n,
	    delta => $_ } } @delta),
	    { type => 'content_block_stop', index => $n });
}

sub anthropic_events {
	my ($a) = @_;
	my $m = anthropic_plain($a);
	my $n = 0;

	return ({ type => 'message_start', message => { %$m, content => [],
	    stop_reason => undef, usage => { input_tokens => $usage[0],
	    output_tokens => 1 } } }, { type => 'ping' },
	    (map { anthropic_block_events($n++, $_) } anthropic_blocks($a)),
	    { type => 'message_delta', delta => {
	    stop_reason => $m->{stop_reason}, stop_sequence => undef },
	    usage => { output_tokens => $usage[1] } },
	    { type => 'message_stop' });
}

# --- Gemini -------------------------------------------------------------------

sub gemini_object {
	my ($finish, @part) = @_;
	return { candidates => [ { content => { parts => [ @part ],
	    role => 'model' }, index => 0, $finish ?
	    (finishReason => $finish) : () } ],
	    usageMetadata => { promptTokenCount => $usage[0],
	    candidatesTokenCount => $usage[1],
	    totalTokenCount => $usage[0] + $usage[1] },
	    modelVersion => $model{gemini}, responseId => 'resp1' };
}

# Only the first call of a turn is signed, and none has an id.
sub gemini_parts {
	my ($a) = @_;
	my $n = 0;

	return (($a->{thinking} ? { text => $a->{thinking}, thought => \1 } :
	    ()), { text => $a->{text} }, map { { functionCall => {
	    name => $_->[1], args => $_->[2] }, $n++ ? () :
	    (thoughtSignature => $signature{gemini}) } }
	    @{ $a->{calls} // [] });
}

sub gemini_plain { gemini_object('STOP', gemini_parts($_[0])) }

sub gemini_events {
	my ($a) = @_;
	my @part = map { my $p = $_; $p->{text} ? map({ { %$p,
	    text => $_ } } pieces($p->{text})) : $p } gemini_parts($a);
	my $last = pop @part;

	return ((map { gemini_object(undef, $_) } @part),
	    gemini_object('STOP', $last));
}

# --- errors -------------------------------------------------------------------

my %anthropic_kind = (400 => 'invalid_request_error',
    401 => 'authentication_error', 403 => 'permission_error',
    404 => 'not_found_error', 429 => 'rate_limit_error', 500 => 'api_error',
    503 => 'api_error', 529 => 'overloaded_error');
my %openai_kind = (400 => 'invalid_request_error',
    401 => 'invalid_request_error', 403 => 'invalid_request_error',
    404 => 'invalid_request_error', 429 => 'rate_limit_exceeded');
my %gemini_kind = (400 => 'INVALID_ARGUMENT', 401 => 'UNAUTHENTICATED',
    403 => 'PERMISSION_DENIED', 404 => 'NOT_FOUND',
    429 => 'RESOURCE_EXHAUSTED', 500 => 'INTERNAL');

sub error_body {
	my ($dialect, $status) = @_;
	my $said = "provider says $status";

	return { type => 'error', error => { message => $said,
	    type => $anthropic_kind{$status} } } if $dialect eq 'anthropic';
	return { error => { code => $status, message => $said,
	    status => $gemini_kind{$status} // 'UNAVAILABLE' } }
	    if $dialect eq 'gemini';
	return { error => { message => $said, param => undef, code => undef,
	    type => $openai_kind{$status} // 'server_error' } };
}

# --- the script ---------------------------------------------------------------

my %plain = ('openai-chat' => \&chat_plain, anthropic => \&anthropic_plain,
    'openai-responses' => \&responses_plain, gemini => \&gemini_plain);
my %events = ('openai-chat' => \&chat_events, anthropic => \&anthropic_events,
    'openai-responses' => \&responses_events, gemini => \&gemini_events);

sub frame {
	my ($ev) = @_;
	my $type = ref $ev && $ev->{type} ? "event: $ev->{type}\n" : '';

	return $type . 'data: ' . (ref $ev ? json_text($ev) : $ev) . "\n\n";
}

# An answer, { text, thinking, calls } as above, as the action that sends it.
sub reply_of {
	my ($dialect, $answer, $stream) = @_;

	return [reply => 200, \%sse, join '', map { frame($_) }
	    $events{$dialect}->($answer)] if $stream;
	return [reply => 200, \%json, json_text($plain{$dialect}->($answer))];
}

# A stream that breaks off behind its first words: what goes ahead of the break.
sub begun {
	my ($dialect) = @_;
	my @ev;

	for my $ev ($events{$dialect}->({ text => $text })) {
		push @ev, $ev;
		last if json_text($ev) =~ /Bonj/;
	}
	return join '', map { frame($_) } @ev;
}

# What an Anthropic without message threads says to clients that begin one.
sub no_threads {
	return [reply => 400, \%json, json_text({ type => 'error', error => {
	    type => 'invalid_request_error', message => 'no threads here',
	    details => { error_code => 'thread_unsupported_request',
	    unsupported => [ 'thread' ] } } })];
}

sub late {
	my ($dialect) = @_;
	my $e = error_body($dialect, $dialect eq 'anthropic' ? 529 : 503);

	$e = { type => 'error', code => 'server_error', param => undef,
	    message => $e->{error}{message}, sequence_number => 9 }
	    if $dialect eq 'openai-responses';
	return frame($e);
}

# By the provider's own counter; any other path is none.
sub counted {
	my ($dialect) = @_;

	return [reply => 200, \%json, json_text($dialect eq 'gemini' ?
	    { totalTokens => 101 } : { input_tokens => 101, $dialect eq
	    'anthropic' ? () : (object => 'response.input_tokens') })];
}

# Two vectors, as floats hold them exactly.
sub embedded {
	my ($body) = @_;
	my @v = ([ 0.5, -2.25, 1 ], [ 4, 8.125, -16 ]);

	return [reply => 200, \%json, json_text({ embeddings => [ map { {
	    values => $_ } } @v ] })] if $body->{requests};
	return [reply => 200, \%json, json_text({ object => 'list', model =>
	    $body->{model}, usage => { prompt_tokens => 4, total_tokens => 4 },
	    data => [ map { { object => 'embedding', index => $_, embedding =>
	    $body->{encoding_format} eq 'base64' ? encode_base64(pack('f<*',
	    @{ $v[$_] }), '') : $v[$_] } } 0, 1 ] })];
}

sub script_for {
	my ($dialect) = @_;

	return sub {
		my ($req) = @_;
		my $raw = Upstream::body_of($req);
		my $body = Upstream::json_of($req);
		my $stream = $body->{stream} || $req->{path} =~ /:stream/;
		my ($case) = case_of($req) or return [reply => 400, \%json,
		    json_text(error_body($dialect, 400))];

		return no_threads() if $body->{thread};
		return counted($dialect) if $case eq 'count';
		return embedded($body) if $case eq 'embed';
		return [reply => $1, { %json, $1 == 429 ?
		    ('Retry-After' => 7) : () },
		    json_text(error_body($dialect, $1))]
		    if $case =~ /^[es](\d+)$/;
		return ([head => 200, \%sse], [chunk => begun($dialect)],
		    [sleep => $case eq 'abort' ? 0 : 0.2],
		    $case eq 'abort' ? ['hang'] : $case eq 'cut' ? ['close'] :
		    ([chunk => late($dialect)], ['last']))
		    if $case =~ /^(abort|cut|late)$/;
		my $answer = answer_of($case, $raw);
		return [reply => 200, \%json,
		    json_text($plain{$dialect}->($answer))] unless $stream;
		return ([head => 200, \%sse], [drip => join('', map {
		    frame($_) } $events{$dialect}->($answer)), 100], ['last']);
	};
}

1;
