#!/usr/bin/perl

# The translation lab's API: requests, answers and streams of one dialect in the
# others, losses, errors with their place, bad input, bounds.

use strict;
use warnings;
use utf8;
use Admind;
use Gateway;
use JSON::PP;
use Test::More;

my $g = Gateway->new(config => "WORKERS: 1\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;
$g->stop;			# it does not take part

sub convert {
	my (%o) = @_;
	$o{text} = JSON::PP->new->encode($o{text}) if ref $o{text};
	return $ad->call(POST => '/api/v1/convert', { kind => 'request',
	    from => 'anthropic', %o });
}

sub of { my ($r, $to) = @_; my ($x) = grep { $_->{to} eq $to }
    @{ $r->{json}{results} }; return $x }

my $rq = { model => 'claude-x', max_tokens => 9, top_k => 3, system => 'be brief',
    messages => [{ role => 'user', content => 'hällo' }] };

subtest 'a request' => sub {
	my $r = convert(text => $rq);
	is($r->{status}, 200, 'translated') or diag $r->{body};
	is_deeply([sort map { $_->{to} } @{ $r->{json}{results} }],
	    [qw(gemini openai-chat openai-responses)], 'into the others');
	is($r->{json}{error}, undef, 'no error');
	my $chat = of($r, 'openai-chat');
	my $o = JSON::PP->new->decode($chat->{text});
	is_deeply([map { $_->{role} } @{ $o->{messages} }], [qw(system user)],
	    'chat: the system prompt is a message');
	is($o->{messages}[1]{content}, 'hällo', 'umlauts live');
	is($chat->{path}, '/v1/chat/completions', 'its path');
	is($chat->{loss}[0]{path}, 'top_k', 'what is lost');
	is($chat->{loss}[0]{action}, 'dropped', 'how');
	ok($chat->{loss}[0]{why}, 'why');
	is($chat->{losses}, 1, 'how many');
	like(of($r, 'gemini')->{path}, qr{/models/claude-x:generateContent},
	    'Gemini: model in the path');
	is(of($r, 'gemini')->{losses}, 0, 'and nothing lost there');
	my $i = of(convert(from => 'openai-chat', text => { model => 'm',
	    prompt_cache_key => 'k', messages => $rq->{messages} }),
	    'anthropic');
	is($i->{losses}, 0, 'what means nothing there is no loss');
	is_deeply([map { "$_->{action} $_->{path}" } @{ $i->{loss} }],
	    ['ignored prompt_cache_key'], '... but it is told');
	$r = convert(text => $rq, to => 'gemini', stream => JSON::PP::true,
	    model => 'other');
	is(scalar(@{ $r->{json}{results} }), 1, 'one dialect alone');
	like($r->{json}{results}[0]{path},
	    qr{/models/other:streamGenerateContent}, 'as a stream');
	$r = convert(from => 'gemini', model => 'g', text => { contents => [{
	    parts => [{ text => 'hi' }] }] });
	like(of($r, 'anthropic')->{text}, qr/"model":"g"/,
	    'a model for Gemini, which has it in the path');
};

subtest 'answers' => sub {
	my $r = convert(kind => 'response', from => 'openai-chat', text => {
	    id => 'c', object => 'chat.completion', created => 1,
	    model => 'm', choices => [{ index => 0, message => { role =>
	    'assistant', content => 'fine' }, finish_reason => 'stop' }],
	    usage => { prompt_tokens => 3, completion_tokens => 2,
	    total_tokens => 5 } });
	my $o = decode_json(of($r, 'anthropic')->{text});
	is($o->{content}[0]{text}, 'fine', 'a whole answer');
	is($o->{usage}{input_tokens}, 3, 'with its usage');
	my $sse = join '', map { "data: $_\n\n" } (map { encode_json({
	    id => 'c', object => 'chat.completion.chunk', created => 1,
	    model => 'm', choices => [{ index => 0, delta => $_->[0],
	    finish_reason => $_->[1] }] }) } [{ role => 'assistant',
	    content => 'fi' }, undef], [{ content => 'ne' }, undef],
	    [{}, 'stop']), '[DONE]';
	$r = convert(kind => 'stream', from => 'openai-chat', text => $sse,
	    stream => JSON::PP::true);
	like(of($r, 'anthropic')->{text}, qr/^event: message_start\n.*message_stop/s, 'a stream as a stream');
	$r = convert(kind => 'stream', from => 'openai-chat', text => $sse);
	is(decode_json(of($r, 'anthropic')->{text})->{content}[0]{text},
	    'fine', 'a stream as a whole answer');
	$r = convert(kind => 'response', from => 'openai-chat', text => {
	    error => { message => 'no such model', type => 'x' } });
	is(of($r, 'anthropic')->{error}{message}, 'no such model',
	    'an error is one');
	like(of($r, 'anthropic')->{text}, qr/"type":"error"/,
	    'in the envelope of the other');
};

subtest 'what is wrong' => sub {
	my $r = convert(text => "{\n  \"ä\": [1,\n  }");
	is($r->{status}, 200, 'not JSON: still an answer');
	is_deeply([@{ $r->{json}{error} }{qw(line column)}], [3, 3],
	    'with the place') or diag $r->{body};
	ok($r->{json}{error}{message}, 'and what');
	is_deeply($r->{json}{results}, [], 'and no results');
	$r = convert(text => '{"model":"m","messages":3}');
	my $e = of($r, 'gemini')->{error};
	like($e->{message}, qr/messages/, 'JSON, but no request');
	is($e->{param}, 'messages', 'the field');
	is(of($r, 'gemini')->{text}, undef, 'no text');
	ok(convert(text => '')->{json}{error}, 'nothing at all');
	ok(of(convert(kind => 'stream', text => "\0nonsense" =~ s/\0//r),
	    'gemini')->{error}, 'a stream that is none');
	for ([kind => 'poem'], [from => 'latin'], [to => 'greek'],
	    [text => 7], [model => [ ]], [stream => 'yes'], [what => 1]) {
		my ($k, $v) = @$_;
		$r = $ad->call(POST => '/api/v1/convert', { kind => 'request',
		    from => 'gemini', text => '{}', $k => $v });
		is($r->{status}, 422, "$k: refused");
		is($r->{json}{field}, $k, "$k: named");
	}
	is($ad->call(POST => '/api/v1/convert', { from => 'gemini',
	    text => '{}' })->{json}{field}, 'kind', 'kind is needed');
	is(convert(text => 'x' x (3 << 20))->{status}, 413, 'too large');
	my $deep = '[' x 100000;
	like(convert(text => $deep)->{json}{error}{message}, qr/\w/,
	    'too deep: told');
	my $many = encode_json({ model => 'm', max_tokens => 1, messages => [
	    { role => 'user', content => [ map { { type => 'text',
	    text => 'x', strange => $_ } } 1 .. 2000 ] } ] });
	$r = convert(text => $many);
	cmp_ok(of($r, 'gemini')->{losses}, '>', 64, 'many losses: counted');
	cmp_ok(scalar(@{ of($r, 'gemini')->{loss} }), '<=', 65,
	    'and bounded');
};

subtest 'who may' => sub {
	my $root = $ad->{session};
	$ad->{session} = {};
	is(convert(text => $rq)->{status}, 401, 'not everybody');
	$ad->{session} = { %$root, csrf => 'x' };
	is(convert(text => $rq)->{status}, 403, 'no other page');
	$ad->{session} = $root;
};

$ad->finish;
done_testing;
